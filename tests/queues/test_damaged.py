"""Dead letters become rows, parked ones come back when they are due."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from queues import damaged
from queues.deadletter import DeadLetter
from queues.models import DamagedMessage
from queues.outcomes import Outcome, Park
from queues.received import Received
from tests.queues.conftest import Gifts, gift
from tests.queues.damage import damage
from tests.queues.routes import QUICK, Gift

Status = DamagedMessage.Status


def park(group: Sequence[Received[Gift]]) -> None:
    for item in group:
        item.set_aside(Park("MISSING_PREDECESSOR", "no pending message yet"))


def collect(gifts: Gifts) -> None:
    """Consume gifts-damaged, as its task does."""
    bodies = gifts.redis.lrange("gifts-damaged", 0, -1)
    damaged.store("gifts-damaged", bodies)
    damaged.store("gifts-damaged", bodies)
    gifts.redis.delete("gifts-damaged")


@given(
    body=st.binary(max_size=100),
    error=st.text(st.characters(exclude_categories=["Cs"])),
    outcome=st.sampled_from(Outcome),
)
def test_a_dead_letter_reads_back(body: bytes, error: str, outcome: Outcome) -> None:
    letter = DeadLetter(queue="gifts", body=body, code="X", error=error, outcome=outcome)
    assert DeadLetter.loads(letter.dumps()) == letter


@given(st.binary(max_size=100) | st.text(max_size=50).map(lambda text: json.dumps(text).encode()))
def test_junk_on_a_damaged_list_becomes_a_letter(body: bytes) -> None:
    letter = damaged.open_letter("gifts-damaged", body)
    assert (letter.queue, letter.code, letter.body) == ("gifts", "NOT_A_DEAD_LETTER", body)


@pytest.mark.django_db
def test_a_dead_letter_is_stored_once_with_what_people_search_by(gifts: Gifts) -> None:
    body = json.dumps(
        gift(7, gross="-1", gateway_txn_id="T7", email="d@example.org", date=1795167973)
    ).encode()
    gifts.push(body, b"\xff\x00")
    gifts.deliver(park)
    collect(gifts)
    assert DamagedMessage.objects.count() == 2
    row = DamagedMessage.objects.get(order_id="7.1")
    assert row.body == body
    assert (row.gateway, row.gateway_txn_id, row.email) == ("adyen", "T7", "d@example.org")
    assert (row.status, row.code, row.field) == (Status.DAMAGED, "INVALID_MESSAGE", "gross")
    assert row.original_date.timestamp() == 1795167973
    assert row.events.count() == 1
    assert DamagedMessage.objects.get(order_id="").body == b"\xff\x00"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b'{"order_id": "7.1", "email": "D@example.org", "gross": NaN}',
        b'{"order_id": "7.1", "email":"d@example.org", "name": "\xe9"}',
        b'{"order_id": "7.1", "email" : "d@example.org", "gro',
    ],
)
def test_what_is_no_good_json_is_found_too(gifts: Gifts, body: bytes) -> None:
    gifts.push(body)
    gifts.deliver(park)
    collect(gifts)
    row = DamagedMessage.objects.get()
    assert (row.order_id, row.email, row.body) == ("7.1", "d@example.org", body)


@pytest.mark.django_db(transaction=True)
def test_a_parked_message_is_tried_until_its_attempts_are_used_up(gifts: Gifts) -> None:
    gifts.push(gift(1))
    for attempt in range(1, QUICK.attempts + 1):
        gifts.deliver(park)
        collect(gifts)
        row = DamagedMessage.objects.get()
        assert (row.status, row.attempts) == (Status.WAITING, attempt)
        assert row.retry_at is not None
        assert damaged.requeue_due("frqueue") == 0
        DamagedMessage.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
        assert damaged.requeue_due("frqueue") == 1
        assert DamagedMessage.objects.get().status == Status.RESENT
    gifts.deliver(park)
    collect(gifts)
    row = DamagedMessage.objects.get()
    assert (row.status, row.retry_at) == (Status.DAMAGED, None)
    assert row.events.count() == 2 * QUICK.attempts + 1


@pytest.mark.django_db
def test_equal_reasons_have_equal_fingerprints(gifts: Gifts) -> None:
    gifts.push(gift(1, gross="-1"), gift(2, gross="-2"), gift(3, gross="x"), b"a" * 20, b"b" * 30)
    gifts.deliver(park)
    collect(gifts)
    prints = dict(DamagedMessage.objects.values_list("order_id", "fingerprint"))
    assert prints["1.1"] == prints["2.1"] != prints["3.1"]


@given(attempt=st.integers(1, 10_000))
def test_delays_grow_to_the_longest_and_end(attempt: int) -> None:
    delay = QUICK.delay(attempt)
    if attempt > QUICK.attempts:
        assert delay is None
    else:
        assert delay is not None
        assert QUICK.first <= delay <= QUICK.longest * 1.25


def test_the_last_retry_comes_by_the_horizon() -> None:
    # After 1, 2 and 4 minutes, each with up to a quarter more.
    assert QUICK.horizon == timedelta(minutes=7) * 1.25


@pytest.mark.django_db
def test_a_job_is_found_by_the_order_in_its_payload() -> None:
    row = damage({"class": "job", "payload": {"order_id": "7.1", "gateway": "adyen"}})
    assert (row.order_id, row.gateway) == ("7.1", "adyen")
