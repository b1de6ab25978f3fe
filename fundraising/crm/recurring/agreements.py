"""Recurring contributions as the messages of the ``recurring`` queue speak of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from fundraising.crm.messages import RecurringMessage
from fundraising.crm.models import RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history
from fundraising.crm.recurring.cancellations import QUEUE
from fundraising.crm.recurring.records import Records, family
from fundraising.crm.recurring.state import ENDED
from fundraising.mails.outgoing import send_later
from queues import locks
from queues.outcomes import Park
from queues.received import Received

Item = Received[RecurringMessage]
Status = RecurringContribution.Status
ACTIVE = frozenset({Status.PENDING, Status.OVERDUE, Status.IN_PROGRESS, Status.FAILING})


def happened(item: Item) -> datetime:
    """When that which a message tells of happened: by its date, else when it was pushed first."""
    message = item.message
    pushed = message.origin_enqueued_time or message.source_enqueued_time
    return message.date or (datetime.fromtimestamp(pushed, UTC) if pushed else item.received_at)


def lock(group: Sequence[Item]) -> None:
    """Lock what a group is about, in the order in which the import of donations does.

    Two workers with messages of one subscription or donor take turns.
    """
    Records.load((item.message for item in group), group[0].received_at)
    emails = {item.message.email.lower() for item in group} - {""}
    locks.take(("donor", email) for email in emails)


def find(item: Item) -> list[RecurringContribution]:
    """The records that a message is about, locked.

    By number, rescue or subscription it is one. A token may have several: they share its
    fate. Raises ``Park`` for none: the message that begins it may be on its way.
    """
    message = item.message
    records = Records.load([message], item.received_at)
    unnumbered = message.model_copy(update={"contribution_recur_id": ""})
    record = records.find(message) or records.find(unnumbered)
    found = [record] if record else _by_token(message)
    if not found:
        raise Park("MISSING_PREDECESSOR", "no recurring record is known by these ids")
    return found


def end(record: RecurringContribution, item: Item, at: datetime, status: str, reason: str) -> None:
    """A record, locked, has ended; an end after its end changes nothing.

    When a processor gives up its rescue of failed payments, the donor is told.
    """
    message, was_active = item.message, record.status not in ENDED
    kind = RecurringEvent.Kind.CANCELLED
    event = history.event(
        record, kind, at, queue=QUEUE, message_id=item.key, status=status, reason=reason
    )
    if message.is_autorescue:
        event.rescue_reference = record.rescue_reference or message.rescue_reference
    history.add([event])
    if message.is_autorescue:
        record.rescue_reference = ""
        record.save(update_fields=["rescue_reference"])
        if was_active and record.status in ENDED:
            tell_of_failure(record, item.key)


def tell_of_failure(record: RecurringContribution, message_id: str) -> None:
    """Write to the donor that it ended as it could not be charged, once for each end.

    Not when the donor has another recurring contribution that we charge.
    """
    others = RecurringContribution.objects.filter(
        contact=record.contact_id, payment_token__isnull=False, status__in=ACTIVE
    )
    if others.exclude(pk=record.pk).exists():
        return
    send_later(
        "recurring_failed",
        record.contact,
        key=f"recurring-{record.pk}-{record.cancel_date:%Y%m%d%H%M%S}",
        context={"amount": str(record.amount), "currency": record.currency},
        message_id=message_id,
    )


def _by_token(message: RecurringMessage) -> list[RecurringContribution]:
    token = message.recurring_payment_token
    if not token:
        return []
    rows = RecurringContribution.objects.select_for_update(of=("self",), no_key=True)
    found = rows.filter(payment_token__token=token).order_by("pk")
    return [row for row in found if family(row.gateway) == family(message.gateway)]
