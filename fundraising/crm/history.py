"""The events of recurring contributions in the database, and the state folded from them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal

from pydantic import TypeAdapter

from fundraising.crm.models import RecurringContribution, RecurringEvent
from fundraising.crm.recurring_state import Event, State, fold

Kind = RecurringEvent.Kind

_COLUMNS = [field.name for field in fields(State)]
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def event(
    record: RecurringContribution,
    kind: Kind,
    at: datetime,
    *,
    queue: str,
    message_id: str,
    **details: Decimal | str | int | datetime | None,
) -> RecurringEvent:
    """An event of a record, unsaved; ``details`` are the fields of ``Event`` for its kind."""
    told = {name: value for name, value in details.items() if value not in (None, "")}
    return RecurringEvent(
        recurring=record, kind=kind, at=at, queue=queue, message_id=message_id, details=told
    )


def add(events: Sequence[RecurringEvent]) -> None:
    """Write events and bring the state of their records up to date.

    Runs in a transaction that holds the locks of these records (``select_for_update``), so
    that two workers with messages of one record take turns. An event that is known already
    changes nothing.
    """
    RecurringEvent.objects.bulk_create(events, ignore_conflicts=True)
    refold(list({event.recurring_id: event.recurring for event in events}.values()))


def refold(records: Iterable[RecurringContribution]) -> None:
    """Fold the state of records, which must be locked, from their events, and write it."""
    by_id = {record.pk: record for record in records}
    told: dict[int, list[Event]] = defaultdict(list)
    for row in RecurringEvent.objects.filter(recurring__in=by_id):
        told[row.recurring_id].append(_read(row))
    for number, events in told.items():
        state = fold(events)
        for name in _COLUMNS:
            setattr(by_id[number], name, getattr(state, name))
    if told:
        RecurringContribution.objects.bulk_update((by_id[number] for number in told), _COLUMNS)


def _read(row: RecurringEvent) -> Event:
    known: dict[str, object] = {**row.details, "kind": row.kind, "at": row.at}
    return _EVENT.validate_python({**known, "key": f"{row.queue} {row.message_id}"})
