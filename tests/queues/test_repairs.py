"""What a person does with a damaged message, down to the bytes on the queue."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks

from queues import inbox, repairs, wire
from queues.models import DamagedMessage, DamagedMessageEvent, InboxMark, OutboxMessage
from tests.queues.conftest import Gifts, gift
from tests.queues.damage import damage

Status = DamagedMessage.Status
Action = DamagedMessageEvent.Action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gift_routes")]


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def edit(row: DamagedMessage, text: str, user: User) -> DamagedMessage:
    seen = wire.digest(row.body)
    return repairs.edit(pk=row.pk, text=text, seen=seen, user=user, reason="ticket 7")


def resend(row: DamagedMessage, user: User) -> repairs.Resent:
    return repairs.resend(pks=[row.pk], user=user, reason="ticket 7")


def test_unedited_bytes_are_sent_verbatim(
    gifts: Gifts, ada: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    body = b'{ "gateway":"adyen",  "order_id": "1.1", "gross":1.50e1, "name":"Zo\\u00eb"}\n'
    row = damage(body)
    with django_capture_on_commit_callbacks(execute=True):
        assert resend(row, ada) == repairs.Resent([row.pk], {})
    assert gifts.redis.lrange("gifts", 0, -1) == [body]
    row.refresh_from_db()
    assert row.status == Status.RESENT
    event = row.events.get(action=Action.RESENT)
    assert (event.by, event.reason, bytes(event.after or b"")) == (ada, "ticket 7", body)


def test_an_edit_keeps_types_nesting_and_digits(ada: User) -> None:
    row = damage(
        b'{"gateway": "adyen", "order_id": "1.1", "gross": -1, "message_id": "m1",'
        b' "score": {"a": [0.10, 12345678901234567890.5, true, null], "b": {"c": ""}}}'
    )
    before = row.body
    text = wire.dumps(wire.parse(before, 1000), indent=2).replace("-1", "1")
    edit(row, text, ada)
    row.refresh_from_db()
    assert row.body == before.replace(b"-1", b"1")
    event = row.events.get(action=Action.EDITED)
    assert (bytes(event.before or b""), bytes(event.after or b"")) == (before, row.body)
    assert (event.by, row.status) == (ada, Status.DAMAGED)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=8,
)


@given(extra=json_values)
def test_what_is_edited_is_what_is_sent(extra: wire.Json) -> None:
    row = DamagedMessage(original_queue="thanks", message_id="m1", message=b'{"message_id": "m1"}')
    value: dict[str, wire.Json] = {"message_id": "m1", "gross": Decimal("0.10"), "extra": extra}
    draft = repairs.draft(row, wire.dumps(value, indent=2).replace("\n", "\r\n"))
    assert not [fault for fault in draft.faults if fault.text != "has card data"]
    assert wire.dumps(wire.parse(draft.body, 10_000)) == wire.dumps(value)


def test_the_searched_columns_follow_an_edit(ada: User) -> None:
    row = damage(gift(1, email="a@example.org", message_id="m1"))
    edit(row, json.dumps(gift(2, email="b@example.org", message_id="m1")), ada)
    row.refresh_from_db()
    assert (row.order_id, row.email, row.message_id) == ("2.1", "b@example.org", "m1")


def test_an_edited_message_without_an_id_gets_the_one_it_was_known_by(ada: User) -> None:
    row = damage(gift(1, gross="-1"))
    digest = wire.digest(row.body)
    edit(row, json.dumps(gift(1)), ada)
    row.refresh_from_db()
    assert json.loads(row.body) == gift(1, message_id=digest)
    assert row.message_id == digest


@pytest.mark.parametrize("message_id", ["other", None, ""])
def test_the_message_id_cannot_be_changed(ada: User, message_id: str | None) -> None:
    row = damage(gift(1, message_id="m1"))
    with pytest.raises(repairs.Refused) as refusal:
        edit(row, json.dumps(gift(2, message_id=message_id)), ada)
    assert {fault.field for fault in refusal.value.faults} == {"message_id"}


def test_a_reused_message_id_can_be_given_up(ada: User) -> None:
    row = damage(gift(1, message_id="m1"), code="MESSAGE_ID_REUSED", field="message_id")
    edit(row, json.dumps(gift(1)), ada)
    row.refresh_from_db()
    assert row.message_id == json.loads(row.body)["message_id"] != "m1"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (json.dumps(gift(1, gross="-1", gateway=None)), {"gross", "gateway"}),
        ('{"gateway": "adyen", "gateway": "x"}', {"gateway"}),
        ('{"gross": NaN}', {"gross"}),
        ("{", {""}),
        ("[1]", {""}),
        ("\ud800", {""}),
        (json.dumps(gift(1, note="4111 1111 1111 1111")), {"note"}),
    ],
)
def test_what_could_not_be_sent_is_not_saved(ada: User, text: str, fields: set[str]) -> None:
    row = damage(gift(1, gross="0"))
    with pytest.raises(repairs.Refused) as refusal:
        edit(row, text, ada)
    assert {fault.field for fault in refusal.value.faults} == fields
    assert "4111" not in str(refusal.value)
    assert DamagedMessage.objects.get().body == row.body
    assert not DamagedMessageEvent.objects.filter(action=Action.EDITED).exists()


def test_of_two_who_edit_one_message_the_second_is_told(ada: User) -> None:
    row = damage(gift(1, gross="0", message_id="m1"))
    edit(row, json.dumps(gift(1, message_id="m1")), ada)
    with pytest.raises(repairs.Refused, match="changed meanwhile"):
        edit(row, json.dumps(gift(1, gross="7", message_id="m1")), ada)
    assert json.loads(DamagedMessage.objects.get().body)["gross"] == "10.00"


def test_what_is_on_its_way_is_not_edited(ada: User) -> None:
    row = damage(gift(1, message_id="m1"))
    resend(row, ada)
    with pytest.raises(repairs.Refused, match="sent again"):
        edit(row, json.dumps(gift(2, message_id="m1")), ada)
    assert DamagedMessage.objects.get().body == row.body


@pytest.mark.parametrize(
    ("body", "queue", "text"),
    [
        (b'{"gross": 1}', "mystery", "not in the route table"),
        (b"\xff\x00", "gifts", "is not UTF-8"),
        (b'{"gateway": "adyen", "order_id": "1.1", "gross": -1}', "gifts", "greater than 0"),
    ],
)
def test_what_cannot_be_imported_is_not_sent(ada: User, body: bytes, queue: str, text: str) -> None:
    row = damage(body, queue=queue)
    sent, refused = resend(row, ada)
    assert sent == []
    assert text in str(refused[row.pk][0])
    assert not OutboxMessage.objects.exists()
    assert DamagedMessage.objects.get().status == Status.DAMAGED


def test_one_that_cannot_be_sent_takes_no_other_along(ada: User) -> None:
    good, bad = damage(gift(1)), damage(gift(2, gross="0"))
    sent, refused = repairs.resend(pks=[bad.pk, good.pk], user=ada, reason="x")
    assert (sent, list(refused)) == ([good.pk], [bad.pk])
    assert [row.message_id for row in OutboxMessage.objects.all()] == [good.message_id]


def test_undecodable_bytes_can_be_replaced(ada: User) -> None:
    row = damage(b"\xff\x00", code="INVALID_JSON", field="")
    digest = wire.digest(b"\xff\x00")
    edit(row, json.dumps(gift(3)), ada)
    assert resend(row, ada).sent == [row.pk]
    assert OutboxMessage.objects.get().message_id == digest


def test_a_message_is_sent_again_once(ada: User) -> None:
    row = damage(gift(1))
    assert resend(row, ada).sent == [row.pk]
    assert str(resend(row, ada).refused[row.pk][0]) == "it was sent again and is on its way"
    assert OutboxMessage.objects.count() == 1


def test_what_was_lost_on_the_way_can_be_sent_again(ada: User) -> None:
    row = damage(gift(1))
    resend(row, ada)
    long_ago = timezone.now() - repairs.LOST_AFTER - timedelta(seconds=1)
    DamagedMessageEvent.objects.update(at=long_ago)
    assert resend(row, ada).sent == [row.pk]
    DamagedMessageEvent.objects.update(at=long_ago)
    inbox.mark([InboxMark(queue="gifts", key=row.message_id, digest="digest")])
    assert str(resend(row, ada).refused[row.pk][0]) == "it was imported"


def test_what_fails_again_is_the_same_row(ada: User) -> None:
    row = damage(gift(1, message_id="m1"))
    resend(row, ada)
    again = damage(gift(1, message_id="m1"), error="still bad")
    assert (again.pk, again.status, again.attempts) == (row.pk, Status.DAMAGED, 2)
    assert [event.action for event in again.events.all()] == [
        Action.FAILED,
        Action.RESENT,
        Action.FAILED,
    ]


def test_masked_bytes_without_an_id_are_known_when_they_fail_again(ada: User) -> None:
    masked = json.dumps(gift(1, note="************1111")).encode()
    row = damage(masked, code="CARD_DATA", message_key="digest of the bytes with the number")
    resend(row, ada)
    assert damage(masked).pk == row.pk


def test_a_waiting_message_can_be_sent_before_its_time(ada: User) -> None:
    row = damage(gift(1))
    DamagedMessage.objects.update(status=Status.WAITING, retry_at=timezone.now())
    resend(row, ada)
    row.refresh_from_db()
    assert (row.status, row.retry_at) == (Status.RESENT, None)


def test_a_discarded_message_stays_and_can_be_sent_after_all(ada: User) -> None:
    row, on_its_way = damage(gift(1)), damage(gift(2))
    resend(on_its_way, ada)
    pks = [row.pk, on_its_way.pk]
    assert repairs.discard(pks=pks, user=ada, reason="a test of ours") == [row.pk]
    row.refresh_from_db()
    assert row.status == Status.DISCARDED
    event = row.events.get(action=Action.DISCARDED)
    assert (event.by, event.reason, bytes(event.before or b"")) == (ada, "a test of ours", row.body)
    assert repairs.discard(pks=pks, user=ada, reason="again") == []
    assert resend(row, ada).sent == [row.pk]


def test_who_looks_is_recorded(ada: User) -> None:
    row = damage(gift(1))
    repairs.reveal(pk=row.pk, user=ada, reason="the donor called")
    event = row.events.get(action=Action.REVEALED)
    assert (event.by, event.reason, event.before, event.after) == (
        ada,
        "the donor called",
        None,
        None,
    )


def test_nothing_is_done_without_a_reason(ada: User) -> None:
    row = damage(gift(1, gross="0", message_id="m1"))
    fixed = json.dumps(gift(1, message_id="m1"))
    seen = wire.digest(row.body)
    with pytest.raises(ValueError, match="reason"), transaction.atomic():
        repairs.edit(pk=row.pk, text=fixed, seen=seen, user=ada, reason=" ")
    edit(row, fixed, ada)
    with pytest.raises(ValueError, match="reason"):
        repairs.resend(pks=[row.pk], user=ada, reason="")
    with pytest.raises(ValueError, match="reason"):
        repairs.discard(pks=[row.pk], user=ada, reason="")
    with pytest.raises(ValueError, match="reason"):
        repairs.reveal(pk=row.pk, user=ada, reason="")
    assert DamagedMessage.objects.get().status == Status.DAMAGED
    assert not OutboxMessage.objects.exists()
