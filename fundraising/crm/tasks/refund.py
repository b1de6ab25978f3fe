"""The consumer of ``refund``."""

import logging
from datetime import datetime

from django.db.models import QuerySet

from fundraising.crm import columns, gift
from fundraising.crm.currencies import exchange_rates
from fundraising.crm.currencies.money import REPORTING_CURRENCY, Money
from fundraising.crm.currencies.rates import Rates
from fundraising.crm.messages import RefundMessage
from fundraising.crm.models import Activity, Contribution
from fundraising.crm.refunds import payments, reversals, rules, settlements, unfinished
from fundraising.crm.refunds.adjustments import GiftBooks
from fundraising.crm.refunds.payments import PAYPAL, PaymentIds
from fundraising.crm.refunds.rules import Refund
from fundraising.crm.refunds.settlements import Settled
from fundraising.crm.trxn_ids import InvalidTrxnId
from queues import effects
from queues.consumer import Received, group_consumer
from queues.outbox import push_later
from queues.outcomes import Damaged, Drop

log = logging.getLogger(__name__)

CANCEL_REASON = "Automatically cancelling because we received a chargeback"
# Chargebacks that do not mean that the donor wants no more of it.
_HARMLESS = frozenset({"AM04:InsufficientFunds", "MS03: No reason specified"})
_PAYPAL_GOES_ON = "The subscription must be cancelled at PayPal as well."


def book(item: Received[RefundMessage]) -> None:
    """Take a payment out of the books, wholly or in part, or bring it back into them."""
    message = item.message
    message.require()
    if message.type not in rules.BY_TYPE and message.type not in gift.REVERSED:
        raise Damaged("IMPORT_CONTRIB", "is no type of a refund", "type")
    number = payments.find(_ids(message))
    if number is None:
        unfinished.end_or_wait(message, item.key)
        return
    payment = payments.locked(number)
    try:
        if message.type in gift.REVERSED:
            changed = reversals.book(payment, message, item.key)
        else:
            changed = _take_back(payment, message, item.key)
    except InvalidTrxnId as error:
        raise Damaged("INVALID_MESSAGE", str(error), "gateway_refund_id") from None
    if not changed:
        raise Drop("DUPLICATE_CONTRIBUTION", "was booked before")


refund = group_consumer("refund")(effects.each_received(book))


def _ids(message: RefundMessage) -> PaymentIds:
    return PaymentIds(
        gateway=message.gateway,
        gateway_txn_id=message.gateway_parent_id,
        contribution_id=message.parent_contribution_id,
        invoice_id=message.invoice_id or message.order_id,
        backend_processor=message.backend_processor,
        backend_processor_txn_id=message.backend_processor_parent_id,
    )


def _take_back(payment: Contribution, message: RefundMessage, key: str) -> bool:
    """Book a refund; returns whether it tells anything new."""
    given = Money(payment.original_amount, payment.original_currency)
    rates = exchange_rates.rates_for([(payment.original_currency, payment.receive_date)])
    told = Refund(
        status=rules.BY_TYPE[message.type],
        amount=rules.amount_of(
            Money(message.amount, message.amount_currency), given, payment.receive_date, rates
        ),
        at=message.at,
        refund_id=message.refund_id,
        backend_reversal_id=message.backend_reversal_id,
        orchestrator_reversal_id=message.payment_orchestrator_reversal_id,
        message_id=key,
    )
    books = GiftBooks(payment)
    before = books.charged_back_at
    line = books.tell(told)
    changed = books.write()
    changed |= _settle(books.row_of(line), message)
    changed |= _note_reason(payment, message, key)
    if line.is_new and told.is_over(given.amount):
        log.critical(
            "refund: more went back than was given contribution_id=%d message_id=%s",
            payment.pk,
            key,
        )
    at = books.charged_back_at
    if at is not None and at != before:
        _cancel_recurring(payment, message, at, is_correction=before is not None)
    return changed


def _settle(row: Contribution, message: RefundMessage) -> bool:
    """Note how the bank settled the refund, if the message comes from an audit that knows."""
    if message.settled_date is None or not message.settled_total_amount:
        return False
    told = Settled(
        at=message.settled_date,
        currency=message.settled_currency or REPORTING_CURRENCY,
        total=-abs(message.settled_total_amount),
        fee=message.settled_fee_amount,
        batch_reference=message.settlement_batch_reference,
    )
    changed = settlements.settle(row, told, Rates())
    if changed:
        row.save(update_fields=settlements.COLUMNS)
    return changed


def _note_reason(payment: Contribution, message: RefundMessage, key: str) -> bool:
    """One activity a gift tells why it was taken back: the first reason by date."""
    is_chargeback = rules.BY_TYPE[message.type] == Contribution.Status.CHARGEBACK
    is_ended = is_chargeback and payment.contribution_recur_id is not None
    goes_on = _PAYPAL_GOES_ON if is_ended and payment.gateway in PAYPAL else ""
    note = Activity(
        contact_id=payment.contact_id,
        activity_type=Activity.Type.REFUND,
        subject=f"{message.type} of {Money(message.amount, message.amount_currency).rounded()}",
        details="\n".join(filter(None, (message.reason, goes_on))),
        activity_date=message.at,
        source_record_id=payment.pk,
        message_id=key,
    )
    if not note.details:
        return False
    columns.fit(note)
    known = _reasons(payment).first()
    if known is not None:
        if _order(known) <= _order(note):
            return False
        note.pk = known.pk
    note.save()
    return True


def _order(note: Activity) -> tuple[datetime, str, str]:
    return note.activity_date, note.details, note.subject


def _reasons(payment: Contribution) -> QuerySet[Activity]:
    """What was noted of refunds that happened, as opposed to those that are to happen."""
    return Activity.objects.filter(
        activity_type=Activity.Type.REFUND, source_record_id=payment.pk, status="Completed"
    )


def _cancel_recurring(
    payment: Contribution, message: RefundMessage, at: datetime, *, is_correction: bool
) -> None:
    """End the recurring contribution of a gift that was charged back at ``at``.

    Told once, and once more if the chargeback turns out to have been earlier.
    """
    if payment.contribution_recur_id is None or message.reason in _HARMLESS:
        return
    if _reasons(payment).filter(details__in=_HARMLESS).exists():
        return
    moment = int(at.timestamp())
    push_later(
        "recurring",
        {
            "message_id": f"chargeback-{payment.pk}" + (f"-{moment}" if is_correction else ""),
            "txn_type": "subscr_cancel",
            "gateway": payment.gateway,
            "contribution_recur_id": payment.contribution_recur_id,
            "payment_instrument_id": payment.payment_instrument,
            "cancel_reason": CANCEL_REASON,
            "contribution_status_id:name": "Cancelled",
            "date": moment,
            "cancel_date": moment,
        },
    )
