"""What a payment tells of the recurring contribution that it is an instalment of."""

from datetime import datetime

from fundraising.crm.donation import Donation
from fundraising.crm.messages import DonationMessage
from fundraising.crm.models import RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history, schedule
from fundraising.crm.recurring.history import Detail
from fundraising.crm.recurring.subscriptions import Subscription

Kind = RecurringEvent.Kind

# Gateways that charge by a schedule of their own: their payments tell how a subscription
# fares. They are one and the same: a subscription is told of under either name.
SELF_SCHEDULED = frozenset({"paypal", "paypal_ec"})


def of_payment(
    record: RecurringContribution,
    donation: Donation,
    message: DonationMessage,
    *,
    key: str,
    now: datetime,
) -> RecurringEvent:
    """The event, unsaved, of a payment of ``record``, which is unsaved if this began it.

    A payment of a subscription that its gateway names (``subscr_id``) tells the terms each
    time, so that the record is as the earliest shows it, whichever came first. Others name
    their record, which then is known, or begin one that nothing else can. Raises ValueError
    for a donation that is no instalment.
    """
    series = donation.subscription
    if series is None:
        raise ValueError("the donation is no instalment")
    is_named = bool(message.subscr_id) and not message.contribution_recur_id
    begins = record.pk is None and not is_named
    return history.event(
        record,
        Kind.CREATED if begins else Kind.PAYMENT,
        donation.received,
        queue=history.PAYMENTS,
        message_id=key,
        **(_terms(donation, series, message, now) if begins or is_named else {}),
        **_fare(donation, series, message),
    )


def _terms(
    donation: Donation, series: Subscription, message: DonationMessage, now: datetime
) -> dict[str, Detail]:
    """What the payment shows of the agreement behind it."""
    unit = message.frequency_unit or "month"
    return {
        "amount": donation.original.gross,
        "currency": donation.original.currency,
        "gateway": donation.gateway,
        "payment_instrument": donation.payment_instrument,
        "processor_contact_id": series.processor_contact_id,
        "initial_scheme_transaction_id": series.initial_scheme_transaction_id,
        "payment_service_id": series.payment_service_id,
        "original_country": series.original_country,
        "next_date": schedule.next_date(now, unit=unit, cycle_day=series.cycle_day),
    }


def _fare(donation: Donation, series: Subscription, message: DonationMessage) -> dict[str, Detail]:
    """How the subscription fares, and what the message itself said of the instalment.

    A payment tells that it is in progress where the gateway charges by its own schedule or
    had to try again; whoever charges by ours keeps the state.
    """
    is_self_scheduled = donation.gateway in SELF_SCHEDULED
    given = message.financial_type_id
    return {
        "frequency_unit": message.frequency_unit,
        "financial_type": "" if given.isdigit() else given,
        "channel": message.gift_data_channel or message.channel,
        "no_thank_you": message.no_thank_you,
        "revives": is_self_scheduled or series.is_autorescue or series.is_successful_autorescue,
        "self_scheduled": is_self_scheduled,
    }
