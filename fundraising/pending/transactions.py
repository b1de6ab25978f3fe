"""Looking up, resolving and expiring pending transactions.

A pair is ``(gateway, order_id)`` unless a name says otherwise. Blank ids match nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from fundraising.pending import locks
from fundraising.pending.models import PendingTransaction

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
    """Mark all rows of these orders resolved; returns how many were not before.

    ``txns`` are (gateway, gateway_txn_id) of payments whose rows are resolved as well, for
    messages without an order id. The importer of donations calls this in the transaction
    that writes the contributions, once for all of them: it takes the locks of
    :mod:`fundraising.pending.locks`, by which a pending message that is stored at the same
    moment either is seen here or sees the contribution.
    """
    orders, payments = set(pairs), set(txns)
    with transaction.atomic(savepoint=False):
        locks.take(orders, payments)
        rows = PendingTransaction.objects.of_either(orders, payments).unresolved()
        return rows.update(is_resolved=True)


def resolve_old(before: datetime, gateway: str = "") -> int:
    """Mark rows that began before ``before`` resolved; returns how many were not before."""
    rows = PendingTransaction.objects.dated_before(before, gateway).unresolved()
    return rows.update(is_resolved=True)


def delete_old(before: datetime, gateway: str = "") -> int:
    """Delete rows that began before ``before``, resolved or not; returns how many.

    They hold names and addresses, which are not kept longer than they may be of use.
    """
    return PendingTransaction.objects.dated_before(before, gateway).delete()[0]
