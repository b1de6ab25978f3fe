"""``unsubscribe``: whoever has any of the donor's addresses gets no more e-mail."""

from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from fundraising.crm.models import Activity, Contact, Contribution, Email
from queues.outcomes import Outcome
from tests.crm.imports import contribution, donation, import_one
from tests.deliveries import deliver
from tests.preferences.contents import contents

pytestmark = pytest.mark.django_db

# 2026-05-01 00:00:00 UTC
MAY = 1777593600
DAY = 86400


def message(contribution_id: object, **fields: object) -> dict[str, Any]:
    """As the page behind the link under a mail pushes it."""
    return {
        "email": "ana@example.org",
        "process": "unsubscribe",
        "contribution-id": contribution_id,
        "source_name": "DonationInterface",
        "source_type": "payments",
        "source_host": "host.example",
        "source_run_id": 4242,
        "source_version": "unknown",
        "source_enqueued_time": MAY,
        **fields,
    }


@pytest.fixture
def given(frqueue: redis.Redis) -> Contribution:
    """A donor's contribution."""
    told = donation(email="ana@example.org", opt_in="1")
    import_one(told)
    return contribution(told)


def another(email: str, **fields: Any) -> Contact:
    contact = Contact.objects.create(**fields)
    Email.objects.create(contact=contact, email=email, is_primary=True)
    return contact


def opted_out() -> set[int]:
    return set(Contact.objects.filter(is_opt_out=True).values_list("pk", flat=True))


def test_the_donor_gets_no_more_mail(given: Contribution, frqueue: redis.Redis) -> None:
    assert deliver(frqueue, "unsubscribe", message(str(given.pk), message_id="m1")) == []
    contact = given.contact
    contact.refresh_from_db()
    assert (contact.is_opt_out, contact.opt_in) == (True, False)
    (note,) = Activity.objects.all()
    assert (note.activity_type, note.message_id) == ("unsubscribe", "m1")
    assert note.activity_date == datetime.fromtimestamp(MAY, UTC)


def test_whoever_has_any_of_the_addresses_is_opted_out(
    given: Contribution, frqueue: redis.Redis
) -> None:
    Email.objects.create(contact=given.contact, email="old@example.org", location_type="paypal")
    spouse = another("OLD@example.org")
    typed = another("ana.typed@example.org")
    stranger = another("stranger@example.org")
    deliver(frqueue, "unsubscribe", message(given.pk, email="Ana.Typed@Example.org"))
    assert opted_out() == {given.contact_id, spouse.pk, typed.pk}
    assert stranger.pk not in opted_out()


def test_who_is_opted_out_already_still_leads_to_the_others(
    given: Contribution, frqueue: redis.Redis
) -> None:
    Contact.objects.filter(pk=given.contact_id).update(is_opt_out=True)
    spouse = another("ana@example.org")
    deliver(frqueue, "unsubscribe", message(given.pk, email="typed@example.org"))
    assert spouse.pk in opted_out()


def test_a_merged_contact_leads_to_the_one_it_became(
    given: Contribution, frqueue: redis.Redis
) -> None:
    kept = another("kept@example.org")
    Contact.objects.filter(pk=given.contact_id).update(is_deleted=True, merged_into=kept)
    deliver(frqueue, "unsubscribe", message(given.pk, email="typed@example.org"))
    assert opted_out() == {kept.pk}


def test_an_unknown_contribution_does_not_stop_the_wish(
    given: Contribution, frqueue: redis.Redis
) -> None:
    assert deliver(frqueue, "unsubscribe", message(given.pk + 1)) == []
    assert opted_out() == {given.contact_id}


def test_nobody_has_the_address_yet(frqueue: redis.Redis) -> None:
    (letter,) = deliver(frqueue, "unsubscribe", message(1))
    assert (letter.outcome, letter.code) == (Outcome.PARK, "MISSING_PREDECESSOR")
    contact = another("ana@example.org")
    deliver(frqueue, "unsubscribe", message(1))
    assert opted_out() == {contact.pk}


@pytest.mark.parametrize("missing", ["email", "contribution-id"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named(
    frqueue: redis.Redis, given: Contribution, missing: str, value: object
) -> None:
    good, bad = message(given.pk), message(given.pk, **{missing: value})
    (letter,) = deliver(frqueue, "unsubscribe", bad, good)
    assert (letter.code, letter.field) == ("UNSUBSCRIBE", missing)
    assert opted_out() == {given.contact_id}


def test_delivered_again_it_changes_nothing(given: Contribution, frqueue: redis.Redis) -> None:
    first = message(given.pk, message_id="m1")
    deliver(frqueue, "unsubscribe", first)
    before = contents()
    Contact.objects.update(is_opt_out=False)
    assert deliver(frqueue, "unsubscribe", first, first) == []
    assert opted_out() == set()
    # Told by a second message it is no news either.
    deliver(frqueue, "unsubscribe", message(given.pk, message_id="m2"))
    assert opted_out() == set()
    Contact.objects.update(is_opt_out=True)
    assert contents() == before


def test_without_a_time_the_arrival_counts(given: Contribution, frqueue: redis.Redis) -> None:
    deliver(frqueue, "unsubscribe", message(given.pk, source_enqueued_time=""))
    assert opted_out() == {given.contact_id}


def test_no_personal_data_in_the_log(
    given: Contribution, frqueue: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    deliver(frqueue, "unsubscribe", message(given.pk + 1), message(""))
    assert "unsubscribe" in caplog.text
    assert "ana@" not in caplog.text
