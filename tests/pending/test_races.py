"""A donation and its pending message at the same moment, on PostgreSQL."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import transaction

from fundraising.crm.models import Contribution
from fundraising.pending import transactions
from fundraising.pending.models import PendingTransaction
from tests.pending.contributions import contribute
from tests.pending.databases import start, wait_until_one_waits
from tests.pending.messages import store_group

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]

PAIR = ("adyen", "119223.1")


def import_donation(order_id: str = "119223.1") -> None:
    """What the importer does, as far as pending transactions go."""
    contribute(gateway="adyen", order_id=order_id)
    transactions.resolve([("adyen", order_id)])


def store_pending() -> None:
    with transaction.atomic():
        store_group({})


def test_the_donation_is_first(threads: ThreadPoolExecutor) -> None:
    with transaction.atomic():
        import_donation()
        late = start(threads, store_pending)
        wait_until_one_waits()
    late.result(30)
    assert PendingTransaction.objects.get().is_resolved


def test_the_pending_message_is_first(threads: ThreadPoolExecutor) -> None:
    def import_atomically() -> None:
        with transaction.atomic():
            import_donation()

    with transaction.atomic():
        store_pending()
        late = start(threads, import_atomically)
        wait_until_one_waits()
    late.result(30)
    assert PendingTransaction.objects.get().is_resolved


def test_a_donation_without_an_order_id(threads: ThreadPoolExecutor) -> None:
    def store_without_order() -> None:
        with transaction.atomic():
            store_group({"order_id": "", "gateway_txn_id": "T1"})

    with transaction.atomic():
        contribute(gateway="adyen", gateway_txn_id="T1")
        transactions.resolve([], txns=[("adyen", "T1")])
        late = start(threads, store_without_order)
        wait_until_one_waits()
    late.result(30)
    assert PendingTransaction.objects.get().is_resolved


def test_two_messages_of_one_payment_are_one_row(threads: ThreadPoolExecutor) -> None:
    def store_another() -> None:
        with transaction.atomic():
            store_group({"gateway_txn_id": "T1", "email": "a@example.org"})

    with transaction.atomic():
        store_group({"language": "nl"})
        late = start(threads, store_another)
        wait_until_one_waits()
    late.result(30)
    row = PendingTransaction.objects.get()
    assert (row.gateway_txn_id, row.email) == ("T1", "a@example.org")
    assert row.message["language"] == "nl"


def test_a_rolled_back_donation_leaves_its_row_unresolved(threads: ThreadPoolExecutor) -> None:
    with transaction.atomic():
        import_donation()
        late = start(threads, store_pending)
        wait_until_one_waits()
        transaction.set_rollback(True)
    late.result(30)
    assert not PendingTransaction.objects.get().is_resolved


def test_groups_that_overlap_neither_lose_nor_block_each_other(threads: ThreadPoolExecutor) -> None:
    orders = [f"{n}.1" for n in range(60)]
    go = Event()

    def groups(seed: int) -> list[list[str]]:
        shuffled = random.Random(seed).sample(orders, len(orders))
        return [shuffled[at : at + 15] for at in range(0, len(orders), 15)]

    def import_groups() -> None:
        go.wait(30)
        for group in groups(1):
            with transaction.atomic():
                for order_id in group:
                    contribute(gateway="adyen", order_id=order_id)
                transactions.resolve([("adyen", order_id) for order_id in group])

    def store_groups(seed: int) -> None:
        go.wait(30)
        for group in groups(seed):
            with transaction.atomic():
                store_group(*({"order_id": order_id, "seen_by": seed} for order_id in group))

    work = [start(threads, import_groups), start(threads, store_groups, 2)]
    work.append(start(threads, store_groups, 3))
    go.set()
    for done in work:
        done.result(60)
    assert Contribution.objects.count() == 60
    assert PendingTransaction.objects.count() == 60
    assert not PendingTransaction.objects.unresolved().exists()
