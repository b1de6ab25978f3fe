"""All messages of an attempt, in any order, grouping and repetition, end the same."""

from collections.abc import Sequence
from typing import Any

import pytest
import redis
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundraising.fredge.models import (
    PaymentAttempt,
    PaymentsFraud,
    PaymentsFraudBreakdown,
    PaymentsInit,
)
from fundraising.pending.models import PendingTransaction
from tests.deliveries import Told, tell
from tests.fredge.messages import DATE, attempt, fraud, init, outcome, partial, pending

_TOLD: list[Told] = [
    pending(email="a@example.org", source_enqueued_time=DATE),
    pending(gateway_txn_id="T1", source_enqueued_time=DATE + 1),
    init(payments_final_status="pending"),
    init(payment_submethod="", date=DATE + 1),
    init(gateway_txn_id="T1", date=DATE + 1, server="payments1002"),
    init(order_id="119223.2", payments_final_status="complete"),
    fraud(),
    fraud(date=DATE + 1, risk_score=80, score_breakdown={"initial": 80}),
    fraud(order_id="119223.2", user_ip="2001:db8::7"),
    partial(date=DATE + 2, score_breakdown={"getCVVResult": 100}),
    partial(score_breakdown={"minfraud_filter": 1, "getAVSResult": 5}),
    attempt(ts="2026-03-01 12:00:01", country="FR", user_ip_repeat=1),
    attempt(ts="2026-03-01 12:00:02", country="DE"),
    outcome(auth_decline=True, source_enqueued_time=DATE),
]
#: Each is told once more by another message.
MESSAGES: list[Told] = [
    (queue, {**message, "message_id": f"{turn}{n}"})
    for turn in ("first", "again")
    for n, (queue, message) in enumerate(_TOLD)
]
_TABLES = (PaymentsInit, PaymentsFraud, PaymentAttempt, PendingTransaction)


def contents() -> list[dict[str, Any]]:
    """All that is stored, but for keys."""
    rows = [row for table in _TABLES for row in table.objects.order_by("order_id").values()]
    filters = PaymentsFraudBreakdown.objects.order_by("payments_fraud__order_id", "filter_name")
    rows += filters.values("payments_fraud__order_id", "filter_name", "risk_score", "message_id")
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def stored(client: redis.Redis, groups: Sequence[Sequence[Told]]) -> list[dict[str, Any]]:
    """What is stored after these groups."""
    with transaction.atomic():
        assert not tell(client, groups)
        found = contents()
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_ends_the_same(frqueue: redis.Redis, data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(MESSAGES), max_size=5))
    told = data.draw(st.permutations(MESSAGES + repeated))
    size = data.draw(st.integers(1, len(told)))
    groups = [told[at : at + size] for at in range(0, len(told), size)]
    found = stored(frqueue, groups)
    assert found == stored(frqueue, [MESSAGES])
    assert len(found) == 2 + 2 + 1 + 1 + 4
