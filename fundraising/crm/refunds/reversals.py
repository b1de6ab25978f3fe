"""Money that came back after all: the reversal of a refund, chargeback or reversal."""

from datetime import datetime
from decimal import Decimal

from fundraising.crm import contributions, trxn_ids
from fundraising.crm.currencies import exchange_rates
from fundraising.crm.donation import normalise
from fundraising.crm.messages import DonationMessage, RefundMessage
from fundraising.crm.models import Contribution
from fundraising.crm.refunds.adjustments import GIFT_DATA, NO_THANK_YOU
from queues.messages import SOURCE_FIELDS


def book(payment: Contribution, message: RefundMessage, message_key: str) -> bool:
    """Write the positive entry of a reversal beside its payment, which is locked.

    The entry is that which the import of donations makes of such a message, with the donor
    and the gift data of the payment. Returns whether anything changed: of two messages that
    tell one reversal the earlier by date stands. Raises ``Damaged``.
    """
    row = _entry(payment, message, message_key)
    known = Contribution.objects.filter(trxn_id=row.trxn_id).first()
    if known is None or _order(row) < _order(known):
        if known is not None:
            row.pk, row.created_at = known.pk, known.created_at
        row.save()
        return True
    if known.parent_contribution_id is None:
        known.parent_contribution = payment
        known.save(update_fields=["parent_contribution"])
        return True
    return False


def _entry(payment: Contribution, message: RefundMessage, message_key: str) -> Contribution:
    total = message.settled_total_amount
    told = DonationMessage(
        gateway=payment.gateway,
        gateway_txn_id=payment.gateway_txn_id,
        order_id=payment.order_id,
        type=message.type,
        date=message.date,
        gross=message.amount,
        currency=message.amount_currency,
        payment_instrument=payment.payment_instrument,
        settled_date=message.settled_date,
        settled_currency=message.settled_currency,
        settled_total_amount=None if total is None else abs(total),
        settled_fee_amount=message.settled_fee_amount,
        settlement_batch_reference=message.settlement_batch_reference,
        **message.model_dump(include=set(SOURCE_FIELDS)),
    )
    rates = exchange_rates.rates_for([(told.currency, message.at)])
    row = contributions.from_donation(
        normalise(told, rates),
        message_key=message_key,
        contact=payment.contact,
        record=None,
        invoice_id=None,
        tracking_id=None,
    )
    row.parent_contribution = payment
    row.no_thank_you = NO_THANK_YOU
    row.backend_processor_reversal_id = message.backend_reversal_id
    row.payment_orchestrator_reversal_id = message.payment_orchestrator_reversal_id
    row.trxn_id = str(
        trxn_ids.for_payment(
            payment.gateway,
            "-".join(message.refund_id.split()) or payment.gateway_txn_id,
            message_type=message.type,
        )
    )
    for column in GIFT_DATA:
        setattr(row, column, getattr(payment, column))
    return row


def _order(row: Contribution) -> tuple[datetime, Decimal]:
    return row.receive_date, row.original_amount
