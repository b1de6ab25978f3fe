"""The consumer of ``settle``."""

from fundraising.crm.currencies import exchange_rates
from fundraising.crm.currencies.money import REPORTING_CURRENCY
from fundraising.crm.currencies.rates import UnknownCurrency
from fundraising.crm.messages import SettleMessage
from fundraising.crm.models import Contribution
from fundraising.crm.refunds import settlements
from fundraising.crm.refunds.adjustments import GiftBooks
from fundraising.crm.refunds.settlements import Settled
from queues.consumer import consumer
from queues.outcomes import Damaged, Park


def record(message: SettleMessage) -> None:
    """Note on a contribution how the bank settled it."""
    if message.contribution_id is None:
        raise Damaged("INVALID_MESSAGE", "is required", "contribution_id")
    told = _told(message)
    locked = Contribution.objects.select_for_update(no_key=True)
    row = locked.filter(pk=message.contribution_id).first()
    if row is None:
        raise Park("MISSING_PREDECESSOR", "no contribution has the contribution_id")
    usd = row.total_amount
    try:
        changed = settlements.settle(
            row, told, exchange_rates.rates_for([(told.currency, told.at)])
        )
    except UnknownCurrency as error:
        raise Damaged("INVALID_MESSAGE", str(error), "settled_currency") from None
    if changed:
        row.save(update_fields=settlements.COLUMNS)
    if row.is_payment and row.total_amount != usd:
        # What was taken back of it is worth its part of what it really brought.
        GiftBooks(row).write()


settle = consumer("settle")(record)


def _told(message: SettleMessage) -> Settled:
    at, total = message.settled_date, message.settled_total_amount
    if at is None:
        raise Damaged("INVALID_MESSAGE", "is required", "settled_date")
    if not total:
        fault = "is required" if total is None else "is zero"
        raise Damaged("INVALID_MESSAGE", fault, "settled_total_amount")
    return Settled(
        at=at,
        currency=message.settled_currency or REPORTING_CURRENCY,
        total=total,
        fee=message.settled_fee_amount,
        batch_reference=message.settlement_batch_reference,
    )
