"""What was set aside, what is on its way out, and who repaired what."""

from collections.abc import Iterator

from django.db.models import Q

from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, Tone, page_of
from queues import wire
from queues.models import DamagedMessage, DamagedMessageEvent, OutboxMessage
from queues.outcomes import Damaged

Status = DamagedMessage.Status
Action = DamagedMessageEvent.Action

_TONES = {
    Status.DAMAGED: Tone.BAD,
    Status.WAITING: Tone.WARNING,
    Status.RESENT: Tone.PLAIN,
    Status.DISCARDED: Tone.PLAIN,
}
# The outbox is empty but for seconds, unless Redis is away; then its eldest are looked at.
_MOST_OUTBOX = 1000


def entries(clues: Clues) -> Iterator[Entry]:
    """Damaged and parked messages with their history, and the outbox."""
    found = DamagedMessage.objects.filter(
        Q(order_id__in=clues.orders)
        | Q(gateway_txn_id__in=clues.payments)
        | Q(email__in=clues.emails)
        | Q(message_id=clues.text)
    )
    for row in found:
        yield _set_aside(row)
        for event in row.events.exclude(action=Action.FAILED).select_related("by"):
            yield Entry(
                at=event.at,
                source="Repair",
                title=f"{row.original_queue}: {event.get_action_display()}",
                facts={"by": event.by, "reason": event.reason},
                url=page_of(row),
            )
    yield from _outbox(clues)


def _set_aside(row: DamagedMessage) -> Entry:
    told = {
        "status": row.get_status_display(),
        "tried again": f"{row.retry_at:%Y-%m-%d %H:%M:%S}" if row.retry_at else "",
        "field": row.field,
        "fault": row.error,
        "failed": f"{row.attempts}×",
        "order_id": row.order_id,
        "gateway_txn_id": row.gateway_txn_id,
    }
    where = "parked" if row.status == Status.WAITING else "damaged"
    return Entry(
        at=row.damaged_date,
        source="Damaged messages",
        title=f"{row.original_queue} {where}: {row.code}",
        facts=told,
        tone=_TONES[Status(row.status)],
        url=page_of(row),
        message_id=row.message_id,
    )


def _outbox(clues: Clues) -> Iterator[Entry]:
    for row in OutboxMessage.objects.order_by("pk")[:_MOST_OUTBOX]:
        if _is_about(bytes(row.body), clues):
            yield Entry(
                at=row.created_at,
                source="Outbox",
                title=f"On its way to {row.queue}",
                tone=Tone.WARNING,
                message_id=row.message_id,
            )


def _is_about(body: bytes, clues: Clues) -> bool:
    try:
        message = wire.parse(body, len(body))
    except Damaged:
        return False  # sent again as it is, to be set aside again under its own id
    ids = {str(message.get(name)) for name in ("order_id", "invoice_id", "gateway_txn_id")}
    visits = {str(message.get(name)) for name in ("id", "contribution_tracking_id")}
    known = {str(visit) for visit in clues.visits}
    return bool(ids & (clues.orders | clues.payments) or visits & known)
