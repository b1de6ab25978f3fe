"""Storing pending messages: one row a payment."""

from itertools import permutations
from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fundraising.pending.models import PendingTransaction
from fundraising.pending.tasks import pending
from tests.pending.contributions import contribute
from tests.pending.messages import raw, store_group

pytestmark = pytest.mark.django_db


def rows() -> list[tuple[str, str, bool]]:
    """The ids of what is stored, and whether it is resolved."""
    stored = PendingTransaction.objects.order_by("order_id", "gateway_txn_id")
    return list(stored.values_list("order_id", "gateway_txn_id", "is_resolved"))


def test_the_whole_message_and_its_columns_are_stored() -> None:
    message = {
        "date": 1795167943,
        "gateway": "Gravy",
        "gateway_account": "WikimediaDonations",
        "order_id": "119223.1",
        "gateway_txn_id": False,
        "contribution_tracking_id": "119223",
        "email": "Donor@Example.org",
        "first_name": "Мария",
        "payment_method": "cc",
        "gross": "20.00",
        "backend_processor": "adyen",
        "backend_processor_txn_id": "B1",
        "payment_orchestrator_reconciliation_id": "R1",
        "source_name": "DonationInterface",
        "source_enqueued_time": 1795251851,
    }
    store_group({**message, "pending_id": 4})
    row = PendingTransaction.objects.get()
    assert row.message == message
    assert row.details == {k: v for k, v in message.items() if not k.startswith("source_")}
    assert int(row.date.timestamp()) == 1795167943
    assert (row.gateway, row.gateway_account, row.payment_method) == (
        "gravy",
        "WikimediaDonations",
        "cc",
    )
    assert (row.contribution_tracking_id, row.email) == (119223, "donor@example.org")
    assert (row.backend_processor, row.backend_processor_txn_id) == ("adyen", "B1")
    assert row.payment_orchestrator_reconciliation_id == "R1"
    assert not row.is_resolved


@pytest.mark.parametrize("in_one_group", [True, False])
class TestOnePaymentOneRow:
    """Whether its messages come together or one by one."""

    @staticmethod
    def tell(in_one_group: bool, *messages: dict[str, Any]) -> None:
        for group in [messages] if in_one_group else [[message] for message in messages]:
            store_group(*group)

    def test_a_redelivery_changes_nothing(self, *, in_one_group: bool) -> None:
        message = {"gateway_txn_id": "T1", "email": "a@example.org"}
        self.tell(in_one_group, message, message, message)
        assert rows() == [("119223.1", "T1", False)]

    def test_a_newer_message_updates_and_an_older_one_completes(
        self, *, in_one_group: bool
    ) -> None:
        self.tell(
            in_one_group,
            {"source_enqueued_time": 20, "payment_method": "cc", "email": ""},
            {"source_enqueued_time": 30, "payment_method": "rtbt", "captured": True},
            {"source_enqueued_time": 10, "payment_method": "ew", "email": "a@example.org"},
        )
        row = PendingTransaction.objects.get()
        assert (row.payment_method, row.email) == ("rtbt", "a@example.org")
        assert row.message["captured"] is True
        assert row.message["source_enqueued_time"] == 30

    def test_the_id_of_the_payment_becomes_known(self, *, in_one_group: bool) -> None:
        self.tell(in_one_group, {"gateway_txn_id": False}, {"gateway_txn_id": "T1"}, {})
        assert rows() == [("119223.1", "T1", False)]

    def test_two_attempts_of_one_order_are_two_payments(self, *, in_one_group: bool) -> None:
        self.tell(in_one_group, {}, {"gateway_txn_id": "T1"}, {"gateway_txn_id": "T2"}, {})
        assert rows() == [("119223.1", "T1", False), ("119223.1", "T2", False)]

    def test_rows_with_one_id_each_are_joined_by_a_message_with_both(
        self, *, in_one_group: bool
    ) -> None:
        only_order = {"gateway_txn_id": "", "email": "a@example.org"}
        only_txn = {"order_id": "", "gateway_txn_id": "T1", "language": "nl"}
        both = {"gateway_txn_id": "T1", "country": "NL"}
        self.tell(in_one_group, only_order, only_txn, both)
        assert rows() == [("119223.1", "T1", False)]
        message = PendingTransaction.objects.get().message
        assert [message[key] for key in ("email", "language", "country")] == [
            "a@example.org",
            "nl",
            "NL",
        ]

    def test_the_order_of_messages_of_one_payment_does_not_matter(
        self, *, in_one_group: bool
    ) -> None:
        messages = (
            {"email": "a@example.org", "source_enqueued_time": 1},
            {"gateway_txn_id": "T1", "source_enqueued_time": 2},
            {"order_id": "", "gateway_txn_id": "T1", "source_enqueued_time": 3, "city": "Köln"},
        )
        outcomes = []
        for order in permutations(messages):
            PendingTransaction.objects.all().delete()
            self.tell(in_one_group, *order)
            outcomes.append([(r.order_id, r.message) for r in PendingTransaction.objects.all()])
        assert all(outcome == outcomes[0] for outcome in outcomes)
        assert len(outcomes[0]) == 1

    def test_another_gateway_is_another_payment(self, *, in_one_group: bool) -> None:
        self.tell(in_one_group, {"gateway": "adyen"}, {"gateway": "dlocal"})
        assert len(rows()) == 2

    def test_ids_are_case_sensitive(self, *, in_one_group: bool) -> None:
        self.tell(in_one_group, {"gateway_txn_id": "abc"}, {"gateway_txn_id": "ABC"})
        assert len(rows()) == 2


class TestLateMessages:
    """A pending message that comes after its donation must not wait for ever."""

    def test_resolved_by_order(self) -> None:
        contribute(gateway="adyen", order_id="119223.1", gateway_txn_id="CAPTURE")
        store_group({"gateway_txn_id": "AUTH"})
        assert rows() == [("119223.1", "AUTH", True)]

    def test_resolved_by_payment(self) -> None:
        contribute(gateway="adyen", order_id="", gateway_txn_id="T1")
        store_group({"gateway_txn_id": "T1"}, {"order_id": "", "gateway_txn_id": "T2"})
        assert rows() == [("", "T2", False), ("119223.1", "T1", True)]

    def test_a_row_that_waits_is_resolved_by_what_comes_late(self) -> None:
        store_group({})
        contribute(gateway="adyen", order_id="", gateway_txn_id="T1")
        store_group({"gateway_txn_id": "T1"})
        assert rows() == [("119223.1", "T1", True)]

    def test_not_by_another_gateway_nor_by_a_refund(self) -> None:
        contribute(gateway="dlocal", order_id="119223.1", gateway_txn_id="T1")
        contribute(gateway="adyen", order_id="119223.1", gateway_txn_id="T1", is_payment=False)
        store_group({"gateway_txn_id": "T1"})
        assert rows() == [("119223.1", "T1", False)]

    def test_a_resolved_row_stays_resolved(self) -> None:
        store_group({"gateway_txn_id": "T1"})
        PendingTransaction.objects.update(is_resolved=True)
        store_group({"gateway_txn_id": "T1", "source_enqueued_time": 99}, {})
        assert rows() == [("119223.1", "T1", True)]

    def test_another_attempt_is_not_taken_for_settled(self) -> None:
        store_group({"gateway_txn_id": False})
        PendingTransaction.objects.update(is_resolved=True)
        store_group({"gateway_txn_id": "T2"})
        assert rows() == [("119223.1", "", True), ("119223.1", "T2", False)]


def test_a_group_of_new_payments_takes_four_statements() -> None:
    messages = [{"order_id": f"{n}.1", "gateway_txn_id": f"T{n}"} for n in range(20)]
    with CaptureQueriesContext(connection) as queries:
        store_group(*messages)
    statements = [query["sql"].split(maxsplit=1)[0] for query in queries]
    # SQLite takes a limited number of parameters: the insert is in batches there.
    assert statements[:3] == ["SELECT"] * 3
    assert set(statements[3:]) == {"INSERT"}


@pytest.mark.django_db(transaction=True)
def test_a_delivery(frqueue: redis.Redis) -> None:
    texts = [raw(order_id=f"{n}.1").decode() for n in range(3)]
    pending.apply(args=("pending", [*texts, texts[0]]), task_id="0001.tag").get()
    assert rows() == [(f"{n}.1", "", False) for n in range(3)]
    assert frqueue.llen("pending-damaged") == 0
