"""The page that tells what became of a payment."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.staff.groups import AUDITOR
from fundraising.trace.entries import Tone
from fundraising.trace.timeline import Timeline, trace
from fundraising.tracking import log
from fundraising.tracking.messages import ContributionTrackingMessage
from queues.messages import validate
from queues.received import Received
from queues.wire import digest, parse
from tests.crm.imports import contribution, donation, import_one
from tests.pending.messages import store_group
from tests.queues.damage import damage

pytestmark = pytest.mark.django_db

VISIT = 441
ORDER = f"{VISIT}.1"


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """The test client speaks no TLS."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def auditor(client: Client) -> Client:
    """Who may look at everything."""
    user = User.objects.create_user("iris", is_staff=True)
    user.groups.add(Group.objects.get(name=AUDITOR))
    client.force_login(user)
    return client


def payment(**fields: object) -> dict[str, object]:
    """The donation of the visit."""
    return donation(
        order_id=ORDER,
        contribution_tracking_id=str(VISIT),
        gateway_txn_id="PSP1",
        email="zoe@example.org",
        message_id="m-donation",
        source_name="SmashPig",
        source_host="listener1",
        origin_name="DonationInterface",
        origin_host="payments1",
        **fields,
    )


def visit(**fields: object) -> None:
    """A data point of the visit."""
    raw = json.dumps({"id": VISIT, "utm_source": "B26_dsk", **fields}).encode()
    message = validate(ContributionTrackingMessage, parse(raw, len(raw)))
    log.append([(VISIT, Received(raw, digest(raw), digest(raw), message))])


def titles(timeline: Timeline) -> list[str]:
    """The lines, in their order."""
    return [line.entry.title for line in timeline.lines]


@pytest.mark.parametrize("text", [ORDER, "PSP1", str(VISIT), "Zoe@example.org", "ADYEN PSP1"])
def test_all_that_is_known_is_found_by_each_id(text: str) -> None:
    visit()
    store_group({**payment(), "message_id": "m-pending"})
    import_one(payment())
    damage({**payment(gross="0"), "message_id": "m-other"}, queue="refund")
    found = trace(text)
    assert {line.entry.source for line in found.lines} == {
        "Contribution tracking",
        "Pending",
        "Contribution",
        "Damaged messages",
        "Outbox",
    }
    assert found.verdict.tone is Tone.BAD


def test_another_donors_payment_is_not_shown() -> None:
    import_one(payment())
    import_one(donation())
    assert len([title for title in titles(trace(ORDER)) if title.startswith("Donation")]) == 1


def test_the_hops_and_times_of_the_message_stand_beside_what_it_wrote() -> None:
    import_one(payment())
    (line,) = [line for line in trace(ORDER).lines if line.entry.source == "Contribution"]
    (mark,) = line.marks
    assert (mark.first_hop["name"], mark.first_hop["host"]) == ("DonationInterface", "payments1")
    assert (mark.last_hop["name"], mark.last_hop["host"]) == ("SmashPig", "listener1")
    assert mark.received_at <= mark.imported_at


def test_the_first_sentence_says_what_became_of_it() -> None:
    assert trace(ORDER).verdict.text == "Nothing is known by this."
    store_group(payment())
    assert "nobody knows yet" in trace(ORDER).verdict.text
    parked = damage(payment(), queue="donations", outcome="park")
    assert trace(ORDER).verdict.text.startswith("Parked")
    parked.delete()
    import_one(payment())
    assert trace(ORDER).verdict.tone is Tone.WARNING  # the outbox tells tracking of it


def test_no_link_carries_an_email(auditor: Client) -> None:
    import_one(payment())
    page = auditor.get(reverse("trace"), {"q": "zoe@example.org"})
    assert "Donation" not in page.content.decode().split("t-line")[-1]
    assert "does not belong in a link" in page.content.decode()
    posted = auditor.post(reverse("trace"), {"q": "zoe@example.org"}).content.decode()
    assert f"Donation {contribution(payment()).pk}" in posted


def test_the_page_shows_no_personal_data(auditor: Client) -> None:
    store_group(payment())
    import_one(payment(first_name="Zoë", last_name="Quux", street_address="1 Rue Secrète"))
    text = auditor.get(reverse("trace"), {"q": ORDER}).content.decode()
    for secret in ("zoe@example.org", "Quux", "Secr"):
        assert secret not in text


def test_only_staff_that_may_see_the_rows_may_see_the_page(client: Client) -> None:
    assert client.get(reverse("trace")).status_code == 302
    user = User.objects.create_user("sam", is_staff=True)
    client.force_login(user)
    assert client.get(reverse("trace")).status_code == 403


def test_a_subscription_shows_its_instalments() -> None:
    import_one(payment(recurring="1", subscr_id="I-1", gateway="paypal_ec"))
    found = trace("I-1")
    assert "Recurring contribution" in {line.entry.source for line in found.lines}
    assert any(title.startswith("Donation") for title in titles(found))
