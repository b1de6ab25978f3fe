"""Pending payments of which no money can come: nobody chases them, whatever came first."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
import redis
from django.db import transaction

from fundraising.fredge.models import PaymentsInit
from fundraising.pending import transactions
from fundraising.pending.models import PendingTransaction
from tests.crm.imports import donation
from tests.deliveries import Told, tell
from tests.fredge.messages import DATE, ORDER, init, pending

pytestmark = pytest.mark.django_db


def contents() -> list[Any]:
    """All that is stored of payments, but for keys and who told it."""
    rows = PendingTransaction.objects.order_by("order_id", "gateway_txn_id")
    passing = {"id", "message_id"}
    return [
        {name: value for name, value in row.items() if name not in passing}
        for row in [*rows.values(), *PaymentsInit.objects.order_by(*PaymentsInit.KEY).values()]
    ]


def in_every_order(client: redis.Redis, *told: Told) -> list[Any]:
    """What is stored after these messages, which must be the same for each order of them.

    One by one, as one group, and one by one with all of them delivered again.
    """
    stored = []
    for order in permutations(told):
        for groups in ([[one] for one in order], [order], [*([one] for one in order), told]):
            with transaction.atomic():
                assert not tell(client, groups)
                stored.append(contents())
                transaction.set_rollback(True)
    assert all(one == stored[0] for one in stored)
    return stored[0]


def resolved(stored: Sequence[Any]) -> list[tuple[bool, bool]]:
    """Of each pending row whether it is resolved, and whether it is only given up."""
    return [(row["is_resolved"], row["is_given_up"]) for row in stored if "is_resolved" in row]


def newer(**fields: Any) -> Told:
    """Another word on how the attempt ended."""
    return init(**{"date": DATE + 60, "message_id": "newer", **fields})


class TestInEveryOrder:
    def test_a_failed_payment_is_stored_but_resolved(self, frqueue: redis.Redis) -> None:
        assert resolved(in_every_order(frqueue, pending(), init())) == [(True, True)]

    @pytest.mark.parametrize(
        "end",
        [
            {"payments_final_status": "complete"},
            {"payments_final_status": "pending"},
            {"validation_action": "review"},
            {"validation_action": "reject"},
        ],
    )
    def test_what_may_still_bring_money_is_chased(
        self, frqueue: redis.Redis, end: dict[str, str]
    ) -> None:
        assert resolved(in_every_order(frqueue, pending(), init(**end))) == [(False, False)]

    @pytest.mark.parametrize("gateway", ["adyen", "dlocal"])
    def test_some_gateways_are_chased_whatever_their_front_end_says(
        self, frqueue: redis.Redis, gateway: str
    ) -> None:
        told = [pending(gateway=gateway), init(gateway=gateway)]
        assert resolved(in_every_order(frqueue, *told)) == [(False, False)]

    def test_a_newer_word_takes_it_back(self, frqueue: redis.Redis) -> None:
        told = [pending(), init(), newer(payments_final_status="pending")]
        assert resolved(in_every_order(frqueue, *told)) == [(False, False)]

    def test_a_newer_word_gives_it_up(self, frqueue: redis.Redis) -> None:
        told = [pending(), init(payments_final_status="pending"), newer()]
        assert resolved(in_every_order(frqueue, *told)) == [(True, True)]

    def test_messages_of_one_payment_stay_one_row(self, frqueue: redis.Redis) -> None:
        told = [
            pending(source_enqueued_time=1, email="a@example.org"),
            pending(source_enqueued_time=2, gateway_txn_id="T1"),
            init(),
        ]
        stored = in_every_order(frqueue, *told)
        assert resolved(stored) == [(True, True)]
        assert (stored[0]["gateway_txn_id"], stored[0]["email"]) == ("T1", "a@example.org")

    def test_a_row_that_knew_only_its_payment(self, frqueue: redis.Redis) -> None:
        told = [
            pending(source_enqueued_time=1, order_id="", gateway_txn_id="T1"),
            pending(source_enqueued_time=2, gateway_txn_id="T1"),
            init(),
        ]
        assert resolved(in_every_order(frqueue, *told)) == [(True, True)]

    def test_another_gateway_or_order_is_not_given_up(self, frqueue: redis.Redis) -> None:
        told = [pending(), init(gateway="braintree"), init(order_id="119223.2", message_id="2")]
        assert resolved(in_every_order(frqueue, *told)) == [(False, False)]

    def test_the_gateway_may_change(self, frqueue: redis.Redis) -> None:
        told = [pending(), init(), newer(gateway="braintree")]
        assert resolved(in_every_order(frqueue, *told)) == [(False, False)]

    def test_any_attempt_of_the_order_may_bring_money(self, frqueue: redis.Redis) -> None:
        other = init(contribution_tracking_id="5", payments_final_status="pending", message_id="2")
        assert resolved(in_every_order(frqueue, pending(), init(), other)) == [(False, False)]

    def test_without_an_order_nothing_is_given_up(self, frqueue: redis.Redis) -> None:
        told = [pending(order_id="", gateway_txn_id="T1"), init(order_id="", gateway_txn_id="T1")]
        assert resolved(in_every_order(frqueue, *told)) == [(False, False)]


class TestDonations:
    def test_its_money_came_all_the_same(self, frqueue: redis.Redis) -> None:
        gift = ("donations", donation(gateway="ingenico", order_id=ORDER))
        told = [pending(), init(), gift, newer(payments_final_status="complete")]
        for order in permutations(told):
            with transaction.atomic():
                assert not tell(frqueue, [[one] for one in order])
                assert resolved(contents()) == [(True, False)]
                transaction.set_rollback(True)

    def test_a_sparse_donation_is_completed_by_what_was_given_up(
        self, frqueue: redis.Redis
    ) -> None:
        whole = donation(gateway="ingenico", order_id=ORDER)
        names = ("gateway", "gateway_txn_id", "order_id", "currency", "gross", "date")
        sparse = {name: whole[name] for name in names} | {"completion_message_id": "1"}
        entered = {**whole, "gateway_txn_id": False}
        told = [init(), ("pending", entered), ("donations", sparse)]
        assert not tell(frqueue, [[one] for one in told])
        assert resolved(contents()) == [(True, False)]


def test_what_is_resolved_otherwise_stays_resolved(frqueue: redis.Redis) -> None:
    assert not tell(frqueue, [[pending()], [init()]])
    assert transactions.resolve([("ingenico", ORDER)]) == 1
    assert not tell(frqueue, [[newer(payments_final_status="complete")]])
    assert resolved(contents()) == [(True, False)]
