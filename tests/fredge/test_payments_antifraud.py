"""What fraud filters say of attempts to pay."""

from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import transaction

from fundraising.fredge.models import PaymentsFraud, PaymentsFraudBreakdown
from queues.outcomes import Outcome
from tests.deliveries import deliver, lines, tell
from tests.fredge.messages import DATE, ORDER, fraud, partial, without

pytestmark = pytest.mark.django_db

FIXTURES = lines(Path(__file__).parent / "fixtures" / "payments-antifraud.jsonl")


def row() -> PaymentsFraud:
    """The row of the attempt."""
    return PaymentsFraud.objects.get()


def breakdown() -> dict[str, str]:
    """The score of each filter of the attempt."""
    rows = PaymentsFraudBreakdown.objects.filter(payments_fraud=row())
    return {one.filter_name: f"{one.risk_score.normalize():f}" for one in rows}


class TestRow:
    def test_all_that_is_told_is_kept(self, frqueue: redis.Redis) -> None:
        assert not tell(frqueue, [[fraud(gateway_txn_id="T1", message_id="m1")]])
        stored = row()
        assert (stored.contribution_tracking_id, stored.order_id) == (119223, ORDER)
        assert (stored.gateway, stored.gateway_txn_id) == ("ingenico", "T1")
        assert (stored.validation_action, stored.payment_method) == ("process", "cc")
        assert (stored.risk_score, stored.user_ip) == (Decimal("30.5"), "198.51.100.7")
        assert (stored.server, stored.message_id) == ("payments1001", "m1")
        assert stored.date == datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert breakdown() == {"initial": "0", "minfraud_filter": "30.5"}
        filters = PaymentsFraudBreakdown.objects.values_list("message_id", "told_at")
        assert set(filters) == {("m1", stored.date)}

    @pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::7"])
    def test_addresses_of_both_kinds_are_kept(self, frqueue: redis.Redis, address: str) -> None:
        assert not tell(frqueue, [[fraud(user_ip=address)]])
        assert row().user_ip == address

    def test_scores_are_capped(self, frqueue: redis.Redis) -> None:
        huge = {"risk_score": "3.4e38", "score_breakdown": {"initial": 1e20}}
        assert not tell(frqueue, [[fraud(**huge)]])
        assert row().risk_score == 100_000_000
        assert breakdown() == {"initial": "100000000"}

    @pytest.mark.parametrize("order_id", [None, "", False])
    def test_the_tracking_id_stands_for_an_order(
        self, frqueue: redis.Redis, order_id: object
    ) -> None:
        assert not tell(frqueue, [[fraud(order_id=order_id)], [partial(order_id="119223")]])
        assert row().order_id == "119223"

    def test_an_empty_breakdown_is_one(self, frqueue: redis.Redis) -> None:
        assert not tell(frqueue, [[fraud(score_breakdown=[])]])
        assert breakdown() == {}


class TestBreakdown:
    def test_a_newer_one_replaces_it(self, frqueue: redis.Redis) -> None:
        newer = fraud(date=DATE + 1, score_breakdown={"initial": "5", "getCVVResult": None})
        assert not tell(frqueue, [[fraud()], [newer]])
        assert breakdown() == {"initial": "5"}

    def test_an_older_one_changes_nothing(self, frqueue: redis.Redis) -> None:
        older = fraud(date=DATE - 1, score_breakdown={"initial": "5", "other": 1})
        assert not tell(frqueue, [[fraud()], [older]])
        assert breakdown() == {"initial": "0", "minfraud_filter": "30.5"}

    def test_the_same_again_adds_nothing(self, frqueue: redis.Redis) -> None:
        again = [fraud(message_id=f"again{n}") for n in range(3)]
        assert not tell(frqueue, [[fraud()], again[:2], again[2:]])
        assert breakdown() == {"initial": "0", "minfraud_filter": "30.5"}

    def test_a_partial_one_replaces_its_filters_only(self, frqueue: redis.Redis) -> None:
        bank = partial(date=DATE + 1, score_breakdown={"initial": 1, "getCVVResult": 100})
        assert not tell(frqueue, [[fraud()], [bank]])
        assert breakdown() == {"initial": "1", "minfraud_filter": "30.5", "getCVVResult": "100"}

    def test_redelivery_of_what_others_overtook(self, frqueue: redis.Redis) -> None:
        told = [fraud(), partial(date=DATE + 1, score_breakdown={"initial": 9})]
        assert not tell(frqueue, [told, told, [told[0]]])
        assert breakdown() == {"initial": "9", "minfraud_filter": "30.5"}


class TestPartial:
    def test_it_takes_nothing_back(self, frqueue: redis.Redis) -> None:
        told = partial(date=DATE + 60, validation_action="reject", risk_score=130, server="")
        assert not tell(frqueue, [[fraud()], [told]])
        stored = row()
        assert (stored.validation_action, stored.risk_score) == ("reject", 130)
        assert (stored.server, stored.payment_method) == ("payments1001", "cc")

    def test_it_waits_for_the_complete_one(self, frqueue: redis.Redis) -> None:
        (letter,) = deliver(frqueue, "payments-antifraud", partial(risk_score=1)[1])
        assert (letter.outcome, letter.code) == (Outcome.PARK, "MISSING_PREDECESSOR")
        assert letter.field == "validation_action"
        assert not PaymentsFraud.objects.exists()

    def test_the_complete_one_may_be_behind_it_in_the_group(self, frqueue: redis.Redis) -> None:
        messages = [partial(server="p2", date=DATE + 1)[1], fraud()[1]]
        assert not deliver(frqueue, "payments-antifraud", *messages)
        assert (row().server, row().payment_method) == ("p2", "cc")

    def test_without_a_date_it_is_of_when_it_was_pushed(self, frqueue: redis.Redis) -> None:
        told = [partial(date=None, server=f"p{n}", source_enqueued_time=DATE + n) for n in (-1, 1)]
        assert not tell(frqueue, [[fraud()], told])
        assert row().server == "p1"
        assert row().date == datetime(2026, 3, 1, 12, tzinfo=UTC)

    def test_in_every_order(self, frqueue: redis.Redis) -> None:
        told = [
            partial(score_breakdown={"getCVVResult": 100}, date=DATE + 1),
            fraud(message_id="a"),
            fraud(message_id="b", risk_score=3, score_breakdown={"initial": 3}, date=DATE + 2),
            partial(score_breakdown={"getAVSResult": 50}, date=DATE + 3, user_ip="2001:db8::1"),
        ]
        stored = []
        for order in permutations(told):
            for groups in ([[one] for one in order], [order[:2], order[1:]]):
                with transaction.atomic():
                    assert not tell(frqueue, groups)
                    values: list[Any] = list(PaymentsFraud.objects.values())
                    stored.append(({**values[0], "id": None}, breakdown()))
                    transaction.set_rollback(True)
        assert all(one == stored[0] for one in stored)
        assert stored[0][1] == {"initial": "3", "getAVSResult": "50"}


class TestFaults:
    @pytest.mark.parametrize("name", ["contribution_tracking_id", "date"])
    def test_what_is_missing_is_named(self, frqueue: redis.Redis, name: str) -> None:
        (letter,) = deliver(frqueue, "payments-antifraud", without(fraud(), name))
        assert (letter.outcome, letter.code) == (Outcome.DAMAGED, "FREDGE")
        assert (letter.field, letter.error) == (name, "is missing")
        assert not PaymentsFraud.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"user_ip": "198.51.100"}, "user_ip"),
            ({"risk_score": "high"}, "risk_score"),
            ({"score_breakdown": {"initial": "high"}}, "score_breakdown.initial"),
            ({"score_breakdown": {"f" * 65: 1}}, f"score_breakdown.{'f' * 65}.[key]"),
            ({"score_breakdown": "none"}, "score_breakdown"),
        ],
    )
    def test_nonsense(self, frqueue: redis.Redis, fields: dict[str, Any], name: str) -> None:
        (letter,) = deliver(frqueue, "payments-antifraud", fraud(**fields)[1])
        assert (letter.code, letter.field) == ("INVALID_MESSAGE", name)


def test_messages_as_front_ends_and_jobs_push_them(frqueue: redis.Redis) -> None:
    # The last one is partial, of the attempt of the first.
    assert not deliver(frqueue, "payments-antifraud", *FIXTURES)
    stored = {one.contribution_tracking_id: one for one in PaymentsFraud.objects.all()}
    assert len(stored) == len(FIXTURES) - 1
    for message in FIXTURES[1:-1]:
        one = stored[int(message["contribution_tracking_id"])]
        assert one.order_id == message.get("order_id", message["contribution_tracking_id"])
        assert ip_address(one.user_ip) == ip_address(message["user_ip"])
        assert float(one.risk_score) == pytest.approx(min(float(message["risk_score"]), 1e8))
        told = {name: float(score) for name, score in message["score_breakdown"].items()}
        filters = one.breakdown.values_list("filter_name", "risk_score")
        assert {name: float(score) for name, score in filters} == pytest.approx(told)
    first = stored[310_000_000]
    filters = dict(first.breakdown.values_list("filter_name", "risk_score"))
    assert (first.risk_score, filters["getCVVResult"]) == (Decimal("112.5"), 100)
    assert len(filters) == len(FIXTURES[0]["score_breakdown"])
    assert first.server == "payments2001"
