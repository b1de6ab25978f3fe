"""Looking up and resolving pending transactions.

A pair is ``(gateway, order_id)`` unless a name says otherwise. Blank ids match nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from fundraising.pending import locks, merging
from fundraising.pending.given_up import given_up
from fundraising.pending.models import PendingTransaction
from queues.wire import Json

Pair = tuple[str, str]


def find(pairs: Iterable[Pair]) -> dict[Pair, list[PendingTransaction]]:
    """The rows of each order, resolved ones too; one query. Every pair asked for has an entry."""
    found: dict[Pair, list[PendingTransaction]] = {pair: [] for pair in pairs}
    for row in PendingTransaction.objects.of_orders(found).order_by("pk"):
        found[row.gateway, row.order_id].append(row)
    return found


def best(rows: Sequence[PendingTransaction], gateway_txn_id: str = "") -> PendingTransaction:
    """The row of an order that is most likely the payment ``gateway_txn_id``.

    The one with that id; else one whose id is not known yet, as it may become that payment;
    then unresolved before resolved; then the newest. Raises ``ValueError`` without rows.
    """

    def likeness(row: PendingTransaction) -> tuple[bool, bool, bool, datetime, int]:
        is_it = bool(gateway_txn_id) and row.gateway_txn_id == gateway_txn_id
        return is_it, not row.gateway_txn_id, not row.is_resolved, row.date, row.pk

    return max(rows, key=likeness)


def find_one(gateway: str, order_id: str, gateway_txn_id: str = "") -> PendingTransaction | None:
    """The :func:`best` row of one order, resolved or not."""
    rows = find([(gateway, order_id)])[gateway, order_id]
    return best(rows, gateway_txn_id) if rows else None


def hold(gateway: str, order_id: str, gateway_txn_id: str = "") -> PendingTransaction | None:
    """As :func:`find_one`, with the locks of :mod:`fundraising.pending.locks` until the commit.

    For who reads a row, and then notes something on it or resolves its order.
    """
    locks.take([(gateway, order_id)], [(gateway, gateway_txn_id)])
    return find_one(gateway, order_id, gateway_txn_id)


def note(row: PendingTransaction, facts: Mapping[str, Json]) -> None:
    """Fill in what a row, on :func:`hold`, does not know; what it knows stays."""
    together = merging.merged(facts, row.message)
    if together != row.message:
        row.message = together
        row.save(update_fields=["message"])


def find_by_txn(gateway: str, gateway_txn_id: str) -> PendingTransaction | None:
    """The newest row of one payment, unresolved before resolved."""
    rows = PendingTransaction.objects.of_txns([(gateway, gateway_txn_id)])
    return rows.order_by("is_resolved", "-date", "-pk").first()


def oldest(gateway: str, payment_methods: Collection[str] = ()) -> PendingTransaction | None:
    """The unresolved row of a gateway that waits longest; of these payment methods, or of all."""
    rows = PendingTransaction.objects.unresolved().filter(gateway=gateway)
    if payment_methods:
        rows = rows.filter(payment_method__in=payment_methods)
    return rows.order_by("date", "pk").first()


def newest(gateway: str, limit: int = 1) -> list[PendingTransaction]:
    """The unresolved rows of a gateway that began last, newest first."""
    rows = PendingTransaction.objects.unresolved().filter(gateway=gateway)
    return list(rows.order_by("-date", "-pk")[:limit])


def resolve(pairs: Iterable[Pair], txns: Iterable[Pair] = ()) -> int:
    """Mark all rows of these orders resolved, for good; returns how many were not before.

    ``txns`` are (gateway, gateway_txn_id) of payments whose rows are resolved as well, for
    messages without an order id. The importer of donations calls this in the transaction
    that writes the contributions, once for all of them: it takes the locks of
    :mod:`fundraising.pending.locks`, by which a pending message that is stored at the same
    moment either is seen here or sees the contribution.
    """
    orders, payments = set(pairs), set(txns)
    with transaction.atomic(savepoint=False):
        locks.take(orders, payments)
        rows = PendingTransaction.objects.of_either(orders, payments)
        rows = rows.filter(Q(is_resolved=False) | Q(is_given_up=True))
        return rows.update(is_resolved=True, is_given_up=False)


def follow_payments_init(orders: Iterable[Pair]) -> None:
    """Give up the rows of those orders of which payments-init says that no money can come.

    And chase those again of which it does not say so any more. The consumer of payments-init
    calls this once it has written its rows, with all orders that they concern or did before.
    """
    wanted = set(orders)
    with transaction.atomic(savepoint=False):
        locks.take(wanted, ())
        failed = given_up(wanted)
        PendingTransaction.objects.of_orders(failed).unresolved().update(
            is_resolved=True, is_given_up=True
        )
        PendingTransaction.objects.of_orders(wanted - failed).filter(is_given_up=True).update(
            is_resolved=False, is_given_up=False
        )
