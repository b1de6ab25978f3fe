"""Storing pending messages: one row a payment, whatever comes twice or late."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from fundraising.pending import contributions, locks, merging
from fundraising.pending.given_up import given_up
from fundraising.pending.messages import PendingMessage
from fundraising.pending.models import PendingTransaction
from queues.messages import validate
from queues.wire import Json

_TOLD_COLUMNS = (
    "date",
    "gateway",
    "gateway_account",
    "order_id",
    "gateway_txn_id",
    "contribution_tracking_id",
    "payment_method",
    "backend_processor",
    "backend_processor_txn_id",
    "payment_orchestrator_reconciliation_id",
)


class Told(NamedTuple):
    """A message, the JSON it came as, and its key: message_id, or the digest of its bytes."""

    message: PendingMessage
    value: dict[str, Json]
    key: str


def store(told: Sequence[Told]) -> None:
    """Store messages. Runs in a transaction.

    Messages of one payment share a row: a newer one updates it, an older one fills in what
    is missing. A payment that is a contribution already, or of which payments-init says that
    no money can come, is stored resolved, so that nobody chases it.
    """
    orders = {(one.message.gateway, one.message.order_id) for one in told}
    txns = {(one.message.gateway, one.message.gateway_txn_id) for one in told}
    locks.take(orders, txns)
    rows = PendingTransaction.objects.of_either(orders, txns).order_by("pk")
    ledger = _Ledger(rows.select_for_update())
    imported, failed = contributions.imported(orders, txns), given_up(orders)
    for one in told:
        is_given_up = (one.message.gateway, one.message.order_id) in failed
        ledger.enter(one, imported.has(one.message), is_given_up)
    ledger.save()


def is_same_payment(row: PendingTransaction, message: PendingMessage) -> bool:
    """Whether a message tells of the payment of a row: no id differs, and one is equal.

    An id that only the message knows is no news for a resolved row: it is another attempt
    to pay, which must not be taken for settled. A row that is given up is not settled.
    """
    ids = ((row.order_id, message.order_id), (row.gateway_txn_id, message.gateway_txn_id))
    is_open = not row.is_resolved or row.is_given_up
    return (
        row.gateway == message.gateway
        and any(ours and ours == theirs for ours, theirs in ids)
        and all(not theirs or ours == theirs or (not ours and is_open) for ours, theirs in ids)
    )


class _Ledger:
    """The rows that the messages of a group concern, as they become with each message."""

    def __init__(self, rows: Iterable[PendingTransaction]) -> None:
        self._by_id: dict[tuple[str, str, str], list[PendingTransaction]] = defaultdict(list)
        self._new: list[PendingTransaction] = []
        self._changed: dict[int, PendingTransaction] = {}
        # Only these columns are updated: each costs time for every row.
        self._columns: set[str] = set()
        self._gone: list[int] = []
        for row in rows:
            self._index(row)

    def enter(self, told: Told, is_imported: bool, is_given_up: bool) -> None:
        """Write what a message tells to the row of its payment."""
        rows = self._rows_of(told.message)
        told = told._replace(value=merging.kept(told.value))
        if rows:
            row = max(rows, key=lambda row: (_ids(row) == _ids(told.message), row.date))
            self._add(row, told)
        else:
            row = PendingTransaction(message_id=told.key)
            self._new.append(row)
            self._write(row, told.value)
        if is_imported:
            self._set(row, {"is_resolved": True, "is_given_up": False})
        elif is_given_up and not row.is_resolved:
            self._set(row, {"is_resolved": True, "is_given_up": True})
        for other in rows:
            # A message with both ids shows that two rows with one each are the same payment.
            if other is not row and is_same_payment(other, _told(row).message):
                self._add(row, _told(other))
                self._remove(other)

    def save(self) -> None:
        """Bring the table to this state. What is gone goes first: its ids are taken over."""
        if self._gone:
            PendingTransaction.objects.filter(pk__in=self._gone).delete()
        if self._changed:
            PendingTransaction.objects.bulk_update(self._changed.values(), sorted(self._columns))
        PendingTransaction.objects.bulk_create(self._new)

    def _rows_of(self, message: PendingMessage) -> list[PendingTransaction]:
        found = {id(row): row for name in _ids(message) for row in self._by_id[name]}
        return [row for row in found.values() if is_same_payment(row, message)]

    def _add(self, row: PendingTransaction, told: Told) -> None:
        older, newer = sorted((_told(row), told), key=_stamp)
        together = merging.merged(older.value, newer.value)
        if together != row.message:
            self._write(row, together)
        self._set(row, {"message_id": newer.key})

    def _write(self, row: PendingTransaction, value: dict[str, Json]) -> None:
        told = validate(PendingMessage, value)
        columns = {column: getattr(told, column) for column in _TOLD_COLUMNS}
        self._set(row, {**columns, "email": told.email.lower(), "message": value})
        self._index(row)

    def _set(self, row: PendingTransaction, values: Mapping[str, object]) -> None:
        for column, value in values.items():
            if getattr(row, column) != value:
                setattr(row, column, value)
                if row.pk is not None:
                    self._columns.add(column)
                    self._changed[row.pk] = row

    def _index(self, row: PendingTransaction) -> None:
        for name in _ids(row):
            if all(row is not other for other in self._by_id[name]):
                self._by_id[name].append(row)

    def _remove(self, row: PendingTransaction) -> None:
        for name in _ids(row):
            self._by_id[name] = [other for other in self._by_id[name] if other is not row]
        if row.pk is None:
            self._new = [other for other in self._new if other is not row]
        else:
            self._changed.pop(row.pk, None)
            self._gone.append(row.pk)


def _ids(payment: PendingTransaction | PendingMessage) -> set[tuple[str, str, str]]:
    """The names by which a payment is known: of its order, of itself, or both."""
    names = {
        (payment.gateway, "order", payment.order_id),
        (payment.gateway, "txn", payment.gateway_txn_id),
    }
    return {name for name in names if name[2]}


def _told(row: PendingTransaction) -> Told:
    return Told(validate(PendingMessage, row.message), row.message, row.message_id)


def _stamp(told: Told) -> tuple[tuple[int, datetime], str]:
    """What is newer, by the messages' own word, so that it does not matter which came first."""
    return merging.stamp(told.message), told.key
