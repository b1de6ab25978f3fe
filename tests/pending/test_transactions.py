"""Looking up and resolving pending transactions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fundraising.pending import transactions
from fundraising.pending.models import PendingTransaction

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, tzinfo=UTC)


def make(order_id: str = "1.1", txn: str = "", **fields: Any) -> PendingTransaction:
    """A stored row."""
    defaults: dict[str, Any] = {"gateway": "adyen", "date": START, "message": {"order": order_id}}
    return PendingTransaction.objects.create(
        order_id=order_id, gateway_txn_id=txn, **{**defaults, **fields}
    )


class TestFind:
    def test_each_pair_has_its_rows_resolved_or_not(self, django_assert_num_queries: Any) -> None:
        waiting, done = make("1.1", "T1"), make("1.1", "T2", is_resolved=True)
        other = make("1.1", gateway="dlocal")
        make("2.1")
        pairs = [("adyen", "1.1"), ("dlocal", "1.1"), ("dlocal", "2.1"), ("adyen", "")]
        with django_assert_num_queries(1):
            found = transactions.find(pairs)
        assert found == {
            ("adyen", "1.1"): [waiting, done],
            ("dlocal", "1.1"): [other],
            ("dlocal", "2.1"): [],
            ("adyen", ""): [],
        }

    def test_a_blank_order_id_does_not_find_rows_without_one(self) -> None:
        make("", "T1")
        assert transactions.find([("adyen", "")]) == {("adyen", ""): []}

    def test_find_one(self) -> None:
        make("1.1", "T1")
        wanted = make("1.1", "T2")
        assert transactions.find_one("adyen", "1.1", "T2") == wanted
        assert transactions.find_one("adyen", "9.9") is None

    def test_find_by_txn_prefers_what_waits_then_the_newest(self) -> None:
        make("1.1", "T1", is_resolved=True, date=START + timedelta(days=9))
        make("2.1", "T1")
        newest = make("3.1", "T1", date=START + timedelta(days=1))
        assert transactions.find_by_txn("adyen", "T1") == newest
        assert transactions.find_by_txn("adyen", "") is None


class TestBest:
    def test_the_payment_itself(self) -> None:
        rows = [make(txn="T1", is_resolved=True), make(txn=""), make(txn="T2")]
        assert transactions.best(rows, "T1") is rows[0]

    def test_else_one_that_may_become_it(self) -> None:
        rows = [make(txn="T1", date=START + timedelta(days=1)), make(txn="")]
        assert transactions.best(rows, "T9") is rows[1]
        assert transactions.best(rows) is rows[1]

    def test_else_the_newest_that_waits(self) -> None:
        rows = [
            make(txn="T1"),
            make(txn="T2", date=START + timedelta(hours=1)),
            make(txn="T3", date=START + timedelta(days=1), is_resolved=True),
        ]
        assert transactions.best(rows, "T9") is rows[1]

    def test_none_of_none(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            transactions.best([])


def test_oldest_and_newest_of_a_gateway() -> None:
    rows = [make(f"{n}.1", date=START + timedelta(days=n), payment_method="cc") for n in range(4)]
    PendingTransaction.objects.filter(pk=rows[0].pk).update(is_resolved=True)
    PendingTransaction.objects.filter(pk=rows[1].pk).update(payment_method="rtbt")
    make("9.1", date=START - timedelta(days=1), gateway="dlocal")
    assert transactions.oldest("adyen") == rows[1]
    assert transactions.oldest("adyen", ["cc", "paypal"]) == rows[2]
    assert transactions.oldest("paypal") is None
    assert transactions.newest("adyen", 2) == [rows[3], rows[2]]


class TestResolve:
    def test_all_rows_of_an_order_and_no_others(self, django_assert_num_queries: Any) -> None:
        ours = [make("1.1", "T1"), make("1.1", "T2"), make("2.1")]
        others = [make("1.1", gateway="dlocal"), make("3.1"), make("", "T9")]
        with django_assert_num_queries(1):
            count = transactions.resolve([("adyen", "1.1"), ("adyen", "2.1"), ("adyen", "")])
        assert count == 3
        assert set(PendingTransaction.objects.unresolved()) == set(others)
        assert transactions.resolve([(row.gateway, row.order_id) for row in ours]) == 0

    def test_by_payment(self) -> None:
        make("", "T1")
        waiting = make("", "T2")
        assert transactions.resolve([], txns=[("adyen", "T1"), ("adyen", "")]) == 1
        assert list(PendingTransaction.objects.unresolved()) == [waiting]

    def test_what_was_only_given_up_is_resolved_for_good(self) -> None:
        make("1.1", is_resolved=True, is_given_up=True)
        assert transactions.resolve([("adyen", "1.1")]) == 1
        assert not PendingTransaction.objects.get().is_given_up

    def test_nothing_to_resolve(self) -> None:
        assert transactions.resolve([]) == 0
