"""The consumer of ``donations-modify``."""

from datetime import datetime

from django.conf import settings

from fundraising.crm import columns
from fundraising.crm.currencies.money import Money
from fundraising.crm.messages import DonationsModifyMessage
from fundraising.crm.models import Activity, Contribution, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history
from fundraising.crm.recurring.agreements import tell_of_failure
from fundraising.crm.recurring.state import ENDED
from fundraising.crm.refunds import payments
from fundraising.crm.refunds.adjustments import GiftBooks
from fundraising.crm.refunds.payments import PaymentIds
from fundraising.crm.refunds.rules import Refund
from queues import effects, wire
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged, Drop, Park

QUEUE = "donations-modify"

Kind = RecurringEvent.Kind
Status = Contribution.Status


def cancel(item: Received[DonationsModifyMessage]) -> None:
    """A payment that was booked has failed after all."""
    message = item.message
    message.require()
    number = payments.find(_ids(message))
    if number is None:
        raise Park("MISSING_PREDECESSOR", "no contribution is the payment that failed")
    records = RecurringContribution.objects.select_for_update(of=("self",), no_key=True)
    record = records.filter(contributions=number).first()
    payment = payments.locked(number)
    at = message.date or message.pushed_at or item.received_at
    changed = _take_out(payment, message, at, item.key)
    if record is not None:
        changed |= _fail(record, payment, message, at, item.key)
    if not changed:
        raise Drop("DUPLICATE_CONTRIBUTION", "was told before")


donations_modify = group_consumer(QUEUE)(effects.each_received(cancel))


def _ids(message: DonationsModifyMessage) -> PaymentIds:
    return PaymentIds(
        gateway=message.gateway,
        gateway_txn_id=message.gateway_txn_id,
        invoice_id=message.order_id,
        backend_processor=message.backend_processor,
        backend_processor_txn_id=message.backend_processor_txn_id,
    )


def _take_out(
    payment: Contribution, message: DonationsModifyMessage, at: datetime, key: str
) -> bool:
    """Cancel the payment; what was refunded or charged back stays that. Whether it changed.

    Of several reasons always the same one stands, whichever came first.
    """
    books = GiftBooks(payment)
    books.tell(
        Refund(status=Status.CANCELLED, amount=payment.original_amount, at=at, message_id=key)
    )
    changed = books.write()
    reason = min(filter(None, (payment.cancel_reason, message.reason[:255])))
    if reason == payment.cancel_reason:
        return changed
    payment.cancel_reason = reason
    payment.save(update_fields=["cancel_reason"])
    return True


def _fail(
    record: RecurringContribution,
    payment: Contribution,
    message: DonationsModifyMessage,
    at: datetime,
    key: str,
) -> bool:
    """The recurring contribution, locked, is tried again by the cadence, or ends.

    One failure for each payment: of two messages that tell it the earlier by date stands.
    Returns whether anything changed.
    """
    if message.can_retry is None:
        raise Damaged("INVALID_MESSAGE", "is required of a recurring payment", "can_retry")
    event = history.event(
        record,
        Kind.FAILED,
        at,
        queue=QUEUE,
        message_id=wire.digest(f"{payment.gateway} {payment.gateway_txn_id}".encode()),
        reason=message.reason,
        cadence=settings.RECURRING_RETRY_CADENCE,
        is_final=not message.can_retry,
    )
    note = Activity(
        contact_id=record.contact_id,
        activity_type=Activity.Type.RECURRING_FAILURE,
        subject=f"Payment of {_given(payment)} failed with {message.reason}",
        activity_date=at,
        source_record_id=record.pk,
        message_id=key,
    )
    columns.fit(note)
    known = RecurringEvent.objects.filter(
        recurring=record, kind=event.kind, queue=QUEUE, message_id=event.message_id
    ).first()
    if known is not None:
        if _order(known) <= _order(event):
            return False
        notes = Activity.objects.filter(
            activity_type=note.activity_type, source_record_id=record.pk, activity_date=known.at
        )
        notes.delete()
        known.delete()
    was_active = record.status not in ENDED
    note.save()
    history.add([event])
    if was_active and record.status == RecurringContribution.Status.FAILED:
        tell_of_failure(record, key)
    return True


def _given(payment: Contribution) -> str:
    given = Money(payment.original_amount, payment.original_currency).rounded()
    return f"{given.amount} {given.currency}"


def _order(event: RecurringEvent) -> tuple[datetime, bool, str]:
    return event.at, not event.details.get("is_final"), event.details.get("reason", "")
