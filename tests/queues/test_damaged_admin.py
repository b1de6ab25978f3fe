"""The pages of damaged messages, as the groups of staff meet them."""

import json
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from queues import bulk_resends, wire
from queues.models import BulkResend, DamagedMessage, DamagedMessageEvent, OutboxMessage
from tests.queues.conftest import gift
from tests.queues.damage import damage

Status = DamagedMessage.Status
Action = DamagedMessageEvent.Action

LIST = reverse("admin:queues_damagedmessage_changelist")
REASONS = reverse("admin:queues_damagedmessage_by_reason")
RESEND = reverse("admin:queues_damagedmessage_resend")
DISCARD = reverse("admin:queues_damagedmessage_discard")

PERSONAL = ("Zoë", "Quux", "zoe@example.org", "12 Elm Street", "+15550100", "secret note")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gift_routes")]


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """The test client speaks no TLS."""
    settings.SECURE_SSL_REDIRECT = False


def login(*actions: str, name: str = "ada") -> Client:
    """A client of somebody who may do these things to damaged messages."""
    user = User.objects.create_user(name, is_staff=True)
    codenames = [f"{action}_damagedmessage" for action in actions]
    user.user_permissions.set(
        Permission.objects.filter(codename__in=[*codenames, "view_bulkresend"])
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def engineer() -> Client:
    return login("view", "change", "resend", "discard", "reveal")


@pytest.fixture
def auditor() -> Client:
    return login("view", name="auditor")


def personal(number: int = 1, **fields: object) -> DamagedMessage:
    """A damaged message that tells who the donor is."""
    message = gift(
        number,
        first_name="Zoë",
        last_name="Quux",
        email="zoe@example.org",
        street_address="12 Elm Street",
        phone="+15550100",
        gateway_txn_id=f"T{number}",
        score={"note": "secret note", "gross": "7.77"},
        message_id=f"m{number}",
    )
    return damage({**message, **fields})


def page(row: DamagedMessage) -> str:
    return reverse("admin:queues_damagedmessage_change", args=[row.pk])


def open_page(row: DamagedMessage) -> str:
    return reverse("admin:queues_damagedmessage_open", args=[row.pk])


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return unescape(response.content.decode())


def assert_masked(text: str) -> None:
    for value in PERSONAL:
        assert value not in text
        assert json.dumps(value)[1:-1] not in text


def test_lists_and_pages_hide_who_the_donor_is(engineer: Client) -> None:
    row = personal()
    assert_masked(text_of(engineer, LIST))
    assert_masked(text_of(engineer, REASONS))
    text = text_of(engineer, page(row))
    assert_masked(text)
    assert '"first_name": "•••"' in text
    assert '"gross": "10.00"' in text
    assert '"gross": "7.77"' in text
    assert_masked(text_of(engineer, f"{RESEND}?pk={row.pk}"))
    assert_masked(text_of(engineer, open_page(row)))


def test_bytes_that_are_no_message_are_shown_safely(engineer: Client) -> None:
    row = damage(b'{"email": "zoe@example.org", "x": "<script>\xff\x00', code="INVALID_JSON")
    text = text_of(engineer, page(row))
    assert_masked(text)
    assert '{"xxxxx": "xxx@xxxxxxx.xxx"' in text
    response = engineer.post(open_page(row), {"step": "reveal", "reason": "ticket 7"})
    raw = response.content.decode()
    assert "zoe@example.org" in raw
    assert r"\xff\x00" in raw
    assert "<script>\\xff" not in raw


@pytest.mark.parametrize("term", ["1.1", "1", "T1", "m1", "zoe@example.org", "ZOE@EXAMPLE.ORG"])
def test_search_finds_one_without_showing_whose_it_is(engineer: Client, term: str) -> None:
    personal(1)
    personal(2, email="other@example.org")
    response = engineer.get(LIST, {"q": term})
    assert [row.order_id for row in response.context["cl"].result_list] == ["1.1"]
    assert_masked(response.content.decode().replace(f'value="{term}"', ""))


def listed(client: Client, **filters: str) -> set[str]:
    response = client.get(LIST, filters)
    assert response.status_code == 200
    return {row.order_id for row in response.context["cl"].result_list}


def test_filters(engineer: Client) -> None:
    rows = [personal(number) for number in range(1, 6)]
    for row, status in zip(rows, [*Status, Status.DAMAGED], strict=True):
        DamagedMessage.objects.filter(pk=row.pk).update(status=status)
    DamagedMessage.objects.filter(pk=rows[0].pk).update(
        code="OTHER", gateway="paypal", original_queue="thanks", fingerprint="f"
    )
    assert listed(engineer) == {"1.1", "2.1", "5.1"}
    assert listed(engineer, status="waiting") == {"2.1"}
    assert listed(engineer, status="resent") == {"3.1"}
    assert listed(engineer, status="discarded") == {"4.1"}
    assert listed(engineer, status="all") == {"1.1", "2.1", "3.1", "4.1", "5.1"}
    for name, value in {
        "code": "OTHER",
        "gateway": "paypal",
        "queue": "thanks",
        "reason": "f",
    }.items():
        assert listed(engineer, **{name: value}) == {"1.1"}
        assert listed(engineer, **{name: "none has it"}) == set()


def test_equal_reasons_are_one_group_with_a_link_to_all(engineer: Client) -> None:
    rows = [personal(number) for number in range(3)]
    other = damage(gift(9), code="OTHER")
    DamagedMessage.objects.filter(pk=rows[0].pk).update(status=Status.WAITING)
    groups = engineer.get(REASONS).context["groups"]
    assert [(group["code"], group["count"], group["waiting"]) for group in groups] == [
        ("INVALID_MESSAGE", 3, 1),
        ("OTHER", 1, 0),
    ]
    assert listed(engineer, reason=groups[1]["fingerprint"]) == {other.order_id}
    cells = engineer.get(LIST).context["cl"].result_list
    assert {row.order_id: row.alike for row in cells}["1.1"] == 3


def test_to_reveal_is_a_permission_asks_for_a_reason_and_is_logged() -> None:
    row = personal()
    donor_services = login("view", "resend", "reveal")
    assert donor_services.post(open_page(row), {"step": "reveal", "reason": " "}).status_code == 200
    assert not row.events.filter(action=Action.REVEALED).exists()
    response = donor_services.post(open_page(row), {"step": "reveal", "reason": "ticket 7"})
    for value in PERSONAL:
        assert value in unescape(response.content.decode())
    assert "textarea" not in response.content.decode()
    event = row.events.get(action=Action.REVEALED)
    assert (str(event.by), event.reason) == ("ada", "ticket 7")
    for step in ("review", "save", "send"):
        answer = donor_services.post(open_page(row), {"step": step, "reason": "x", "text": "{}"})
        assert answer.status_code == 403


def test_a_review_without_a_look_is_logged_too(engineer: Client) -> None:
    row = personal()
    engineer.post(open_page(row), {"step": "review", "reason": "ticket 7", "text": "{}"})
    engineer.post(open_page(row), {"step": "review", "reason": "ticket 7", "text": "{}"})
    assert row.events.filter(action=Action.REVEALED).count() == 1


def test_an_edit_is_reviewed_saved_and_sent(engineer: Client) -> None:
    row = personal(gross="-1")
    form = {"reason": "ticket 7", "seen": wire.digest(row.body)}
    wrong = row.body.decode().replace('"-1"', '"x"')
    response = engineer.post(open_page(row), {**form, "step": "review", "text": wrong})
    assert [fault.field for fault, _ in response.context["faults"]] == ["gross"]
    assert response.context["text"] == wrong
    right = row.body.decode().replace('"-1"', '"5.00"')
    response = engineer.post(open_page(row), {**form, "step": "review", "text": right})
    assert response.context["changes"] == [("gross", '"-1"', '"5.00"')]
    assert DamagedMessage.objects.get().body == row.body
    response = engineer.post(open_page(row), {**form, "step": "send", "text": right})
    assert response.status_code == 302
    row.refresh_from_db()
    assert (row.status, row.body) == (Status.RESENT, right.encode())
    assert bytes(OutboxMessage.objects.get().body) == right.encode()
    history = text_of(engineer, page(row))
    assert_masked(history)
    assert '"-1"' in history
    assert '"5.00"' in history


def test_the_history_says_that_personal_data_changed_but_not_to_what(engineer: Client) -> None:
    row = personal()
    text = row.body.decode().replace("Quux", "Corge")
    form = {"reason": "typo", "seen": wire.digest(row.body), "step": "save", "text": text}
    engineer.post(open_page(row), form)
    shown = text_of(engineer, page(row))
    assert "last_name" in shown
    assert_masked(shown)
    assert "Corge" not in shown


def test_an_edit_that_another_overtook_is_not_saved(engineer: Client) -> None:
    row = personal(gross="-1")
    text = row.body.decode().replace('"-1"', '"5.00"')
    form = {"reason": "x", "seen": wire.digest(b"older"), "step": "send", "text": text}
    response = engineer.post(open_page(row), form)
    assert "changed meanwhile" in response.content.decode()
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(("url", "status"), [(RESEND, Status.RESENT), (DISCARD, Status.DISCARDED)])
def test_what_is_done_is_done_by_post_with_a_reason(
    engineer: Client, url: str, status: Status
) -> None:
    rows = [personal(1), personal(2)]
    pks = [row.pk for row in rows]
    engineer.get(f"{url}?pk={pks[0]}&pk={pks[1]}&reason=x")
    engineer.post(url, {"pk": pks, "reason": ""})
    assert set(DamagedMessage.objects.values_list("status", flat=True)) == {Status.DAMAGED}
    engineer.post(url, {"pk": pks, "reason": "ticket 7"})
    assert set(DamagedMessage.objects.values_list("status", flat=True)) == {status}
    events = DamagedMessageEvent.objects.exclude(action=Action.FAILED)
    assert {(str(event.by), event.reason) for event in events} == {("ada", "ticket 7")}


def test_the_actions_of_the_list_ask_first(engineer: Client) -> None:
    good, bad = personal(1), personal(2, gross="0")
    for action in ("resend_selected", "discard_selected"):
        response = engineer.post(LIST, {"action": action, "_selected_action": [good.pk, bad.pk]})
        assert response.status_code == 200
        assert "Reason" in response.content.decode()
    assert not OutboxMessage.objects.exists()
    assert set(DamagedMessage.objects.values_list("status", flat=True)) == {Status.DAMAGED}


def test_a_bulk_resend_is_planned_then_started_then_cancelled(engineer: Client) -> None:
    for number in range(3):
        personal(number)
    personal(9, gross="0")
    engineer.post(
        f"{LIST}?queue=gifts",
        {"action": "plan_selected", "_selected_action": ["1"], "select_across": "1"},
    )
    bulk = BulkResend.objects.get()
    url = reverse("admin:queues_bulkresend_change", args=[bulk.pk])
    assert (engineer.get(url).context["plan"][:2], bulk.selection) == ((4, 3), "queue gifts")
    start = reverse("admin:queues_bulkresend_start", args=[bulk.pk])
    assert engineer.get(start).status_code == 405
    assert engineer.post(start, {"per_second": "0", "reason": "x"}).context["form"].errors
    engineer.post(start, {"per_second": "7", "reason": "rates were loaded"})
    bulk.refresh_from_db()
    assert (bulk.status, bulk.per_second) == (BulkResend.Status.RUNNING, 7)
    assert engineer.get(url).context["report"].unsent == 4
    engineer.post(reverse("admin:queues_bulkresend_cancel", args=[bulk.pk]))
    bulk.refresh_from_db()
    assert bulk.status == BulkResend.Status.CANCELLED
    assert engineer.get(url).status_code == 200
    assert listed(engineer, status="all", bulk=str(bulk.pk)) == {"0.1", "1.1", "2.1", "9.1"}


def test_a_reason_can_be_planned_for(engineer: Client) -> None:
    row = personal(1)
    damage(gift(5), code="OTHER")
    plan = reverse("admin:queues_damagedmessage_plan")
    engineer.post(plan, {"reason": row.fingerprint})
    assert bulk_resends.summary(BulkResend.objects.get()).total == 1
    assert engineer.get(plan).status_code == 302
    assert BulkResend.objects.count() == 1


def test_an_auditor_only_looks(auditor: Client) -> None:
    row = personal()
    assert auditor.get(LIST).status_code == 200
    assert auditor.get(REASONS).status_code == 200
    text = text_of(auditor, page(row))
    assert "Send again…" not in text
    assert "Reveal" not in text
    form = {"pk": [row.pk], "reason": "x", "step": "reveal"}
    plan = reverse("admin:queues_damagedmessage_plan")
    for url in (RESEND, DISCARD, open_page(row), plan):
        assert auditor.get(url).status_code == 403
        assert auditor.post(url, form).status_code == 403
    auditor.post(LIST, {"action": "plan_selected", "_selected_action": [row.pk]})
    assert not BulkResend.objects.exists()
    row.refresh_from_db()
    assert row.status == Status.DAMAGED


def test_who_may_resend_may_not_discard_or_edit() -> None:
    row = personal()
    client = login("view", "resend")
    assert client.post(DISCARD, {"pk": [row.pk], "reason": "x"}).status_code == 403
    assert client.post(open_page(row), {"step": "reveal", "reason": "x"}).status_code == 403
    client.post(RESEND, {"pk": [row.pk], "reason": "x"})
    row.refresh_from_db()
    assert row.status == Status.RESENT


def test_a_stranger_sees_nothing() -> None:
    row = personal()
    client = login(name="stranger")
    for url in (LIST, REASONS, page(row), open_page(row), f"{RESEND}?pk={row.pk}"):
        assert client.get(url).status_code == 403
    assert Client().get(page(row)).status_code == 302


@pytest.mark.parametrize("view", ["add", "delete"])
def test_nobody_adds_or_deletes_rows(admin_client: Client, view: str) -> None:
    row = personal()
    args = [row.pk] if view == "delete" else []
    url = reverse(f"admin:queues_damagedmessage_{view}", args=args)
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_client.get(LIST).content.decode()
    assert DamagedMessage.objects.count() == 1
