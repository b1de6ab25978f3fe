"""The activities that tell of cancelled recurring contributions."""

from collections.abc import Iterable, Sequence

from fundraising.crm import columns
from fundraising.crm.models import Activity, RecurringContribution, RecurringEvent
from fundraising.crm.recurring.state import Event, ends

Kind = RecurringEvent.Kind
# Cancellations by other queues have activities of their own, written by their consumers.
QUEUE = "recurring"


def note(told: Iterable[tuple[RecurringContribution, Sequence[Event]]]) -> None:
    """Have one activity for each cancellation that ended a recurring contribution.

    Cancellations are told twice, by a listener and an audit, and not in their order: an
    activity for what turns out to have ended before goes.
    """
    ended = {
        record.pk: (record, events)
        for record, events in told
        if any(_is_ours(event) for event in events)
    }
    if not ended:
        return
    kind = Activity.Type.CANCEL_RECURRING
    known: dict[tuple[int | None, str], Activity] = {
        (row.source_record_id, row.message_id): row
        for row in Activity.objects.filter(activity_type=kind, source_record_id__in=ended)
    }
    wanted = {
        (number, event.message_id): _activity(record, event)
        for number, (record, events) in ended.items()
        for event in ends(events)
        if _is_ours(event)
    }
    ours = {
        (number, event.message_id)
        for number, (_, events) in ended.items()
        for event in events
        if _is_ours(event)
    }
    fresh = [row for key, row in wanted.items() if key not in known]
    stale = [row.pk for key, row in known.items() if key in ours and key not in wanted]
    if fresh:
        Activity.objects.bulk_create(fresh)
    if stale:
        Activity.objects.filter(pk__in=stale).delete()


def _is_ours(event: Event) -> bool:
    return event.kind == Kind.CANCELLED and event.key.startswith(f"{QUEUE} ")


def _activity(record: RecurringContribution, event: Event) -> Activity:
    row = Activity(
        activity_type=Activity.Type.CANCEL_RECURRING,
        contact_id=record.contact_id,
        source_record_id=record.pk,
        subject=event.reason,
        activity_date=event.at,
        message_id=event.message_id,
    )
    columns.fit(row)
    return row
