"""The events of recurring contributions in the database, and all that is made of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal

from pydantic import TypeAdapter

from fundraising.crm.models import Contribution, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import cancellations, instalments
from fundraising.crm.recurring.state import KEPT_WHEN_UNTOLD, Event, State, fold, frequency_at
from fundraising.crm.refunds import adjustments

Kind = RecurringEvent.Kind
Detail = Decimal | str | int | datetime | None

# What tells of a payment, whichever queue it came by first.
PAYMENTS = "donations"

_COLUMNS = [field.name for field in fields(State)]
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def event(
    record: RecurringContribution,
    kind: Kind,
    at: datetime,
    *,
    queue: str,
    message_id: str,
    **details: Detail,
) -> RecurringEvent:
    """An event of a record, unsaved; ``details`` are the fields of ``Event`` for its kind."""
    told = {name: value for name, value in details.items() if value}
    return RecurringEvent(
        recurring=record, kind=kind, at=at, queue=queue, message_id=message_id, details=told
    )


def add(events: Sequence[RecurringEvent]) -> None:
    """Write events and bring the state of their records up to date.

    Runs in a transaction that holds the locks of these records (``select_for_update``), so
    that two workers with messages of one record take turns. An event that is known already
    changes nothing. Raises ValueError for a record that no event begins.
    """
    settle(write(events))


def write(events: Sequence[RecurringEvent]) -> set[int]:
    """As :func:`add`, but for the instalments: returns the records to :func:`settle`."""
    RecurringEvent.objects.bulk_create(events, ignore_conflicts=True)
    return refold({event.recurring_id: event.recurring for event in events if _matters(event)})


def begin(record: RecurringContribution, first: RecurringEvent) -> None:
    """Fill the columns of a record, unsaved, from the event that begins it."""
    _apply(fold([read(first)]), record)


def of(records: Iterable[int]) -> dict[int, list[Event]]:
    """The events of records, by their ids."""
    told: dict[int, list[Event]] = defaultdict(list)
    for row in RecurringEvent.objects.filter(recurring__in=records):
        told[row.recurring_id].append(read(row))
    return told


def refold(records: dict[int, RecurringContribution]) -> set[int]:
    """Fold the state of records, which must be locked, from their events, and write it.

    Returns those whose frequency changed at some time, for :func:`settle`.
    """
    unsettled = set()
    told = of(records) if records else {}
    for number, events in told.items():
        record = records[number]
        before = record.frequency_unit
        _apply(fold(events), record)
        if record.frequency_unit != before or any(event.kind == Kind.ANNUAL for event in events):
            unsettled.add(number)
    if told:
        RecurringContribution.objects.bulk_update((records[number] for number in told), _COLUMNS)
        cancellations.note((records[number], events) for number, events in told.items())
    return unsettled


def settle(records: Iterable[int]) -> list[Contribution]:
    """Bring the instalments of records in line: the first by date and all the later ones.

    Returns the contributions that changed.
    """
    told = of(records) if records else {}
    rows = Contribution.objects.filter(contribution_recur__in=told, is_payment=True)
    firsts = set()
    changed = []
    for row in rows.order_by("receive_date", "gateway_txn_id") if told else ():
        number = row.contribution_recur_id
        if number is None or number not in firsts:
            firsts.add(number)
            continue
        key = f"{PAYMENTS} {row.message_id}"
        mine = next((event for event in told[number] if event.key == key), None)
        if instalments.make_later(row, mine, frequency_at(told[number], row.receive_date)):
            changed.append(row)
    if changed:
        Contribution.objects.bulk_update(changed, instalments.COLUMNS)
        adjustments.follow(changed)
    return changed


def read(row: RecurringEvent) -> Event:
    """An event as the rules see it."""
    known: dict[str, object] = {**row.details, "kind": row.kind, "at": row.at}
    key = f"{row.queue} {row.message_id}"
    return _EVENT.validate_python({**known, "key": key, "imported_at": row.created_at})


def _matters(event: RecurringEvent) -> bool:
    """Most payments change nothing: whoever charges by our schedule keeps the state."""
    return event.kind != Kind.PAYMENT or bool({"revives", "amount"} & event.details.keys())


def _apply(state: State, record: RecurringContribution) -> None:
    for name in _COLUMNS:
        value = getattr(state, name)
        if value or name not in KEPT_WHEN_UNTOLD:
            setattr(record, name, value)
