"""A donation, normalised: all that a writer needs of one message."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal

from fundraising.crm import gift, instruments, trxn_ids
from fundraising.crm.contacts import details
from fundraising.crm.contacts.details import GatewayFields, Settlement
from fundraising.crm.contacts.donor import DonorDetails, donor_details
from fundraising.crm.currencies import money
from fundraising.crm.currencies.rates import Rates, UnknownCurrency
from fundraising.crm.gift import Amounts, GiftData
from fundraising.crm.messages import DonationMessage
from fundraising.crm.recurring.subscriptions import RecurringContext, Subscription, subscription
from fundraising.crm.refunds import rules
from queues.outcomes import Damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Donation(DonorDetails):
    """One payment and its donor. Text is ``""`` when unknown; datetimes are aware UTC."""

    gateway_txn_id: str
    order_id: str
    invoice_id: str
    trxn_id: str
    # What the donor gave in their currency, and its worth in USD by ``rate``.
    original: Amounts
    usd: Amounts
    rate: Decimal
    source: str
    financial_type: str
    status: str
    payment_submethod: str
    payment_instrument: str
    no_thank_you: str
    gift: GiftData
    gateway_fields: GatewayFields
    settlement: Settlement | None
    # Tracking: the id, or what to push on to contribution-tracking (without the id) when the
    # message has none; both None when the donation is not to be tracked.
    tracking_id: int | None
    untracked: dict[str, str] | None
    # None for a one-time donation.
    subscription: Subscription | None


def normalise(
    message: DonationMessage,
    rates: Rates,
    recurring: RecurringContext | None = None,
    *,
    now: datetime | None = None,
) -> Donation:
    """The donation that a (completed) message tells of.

    ``recurring`` is the record that the message's contribution_recur_id or subscr_id led to;
    ``now`` (default the clock) dates a message without a date.
    Raises ``Damaged`` with the domain's code and the field at fault.
    """
    _refuse_others(message)
    instrument = _instrument(message, recurring)
    _require(message)
    received = message.date or now or datetime.now(UTC)
    trxn_id = _trxn_id(message)
    series = subscription(message, received, recurring)
    is_later = series is not None and not series.is_first_installment
    original, usd, rate = _amounts(message, rates, received)
    order = message.invoice_id or message.order_id
    donor = donor_details(message, received, is_known_recurring=bool(series and series.id))
    return Donation(
        **{field.name: getattr(donor, field.name) for field in fields(donor)},
        gateway_txn_id=message.gateway_txn_id,
        order_id=message.order_id,
        invoice_id=trxn_ids.recurring_invoice_id(order, received) if series and order else order,
        trxn_id=str(trxn_id),
        original=original,
        usd=usd,
        rate=rate,
        source=str(original.gross_money),
        financial_type=_financial_type(message, is_later),
        status=_status(message),
        payment_submethod=message.payment_submethod,
        payment_instrument=instrument,
        no_thank_you=_no_thank_you(message, series, is_later),
        gift=_gift_data(message, usd.gross, is_later),
        gateway_fields=details.gateway_fields(message),
        settlement=details.settlement(message),
        tracking_id=message.contribution_tracking_id,
        untracked=details.untracked(message, received),
        subscription=series,
    )


def _refuse_others(message: DonationMessage) -> None:
    if message.is_offline:
        # As a plain donation the gift would be booked to the wrong giver.
        marks = {"is_daf": message.is_daf, "is_matching_gift": message.is_matching_gift}
        field = next((name for name, is_set in marks.items() if is_set), "gateway")
        text = "gifts of funds and employers are not imported from this queue"
        raise Damaged("INVALID_MESSAGE", text, field)
    if message.type in rules.BY_TYPE:
        # Money going the other way, which the queue of refunds books.
        raise Damaged("INVALID_MESSAGE", "is no type of a donation", "type")


def _require(message: DonationMessage) -> None:
    missing = message.missing()
    if missing:
        raise Damaged("CIVI_REQ_FIELD", f"required: {', '.join(missing)}", missing[0])


def _instrument(message: DonationMessage, recurring: RecurringContext | None) -> str:
    given = (
        message.payment_instrument_id,
        message.payment_instrument,
        message.raw_payment_instrument,
    )
    label = (
        next((known for text in given if (known := instruments.known(text))), "")
        or instruments.label(message.payment_method, message.payment_submethod, message.gateway)
        or (recurring.payment_instrument if recurring else "")
    )
    if not label:
        raise Damaged("INVALID_MESSAGE", "No payment type found for message.", "payment_method")
    return label


def _trxn_id(message: DonationMessage) -> trxn_ids.TrxnId:
    """A reversal is known by its own id, as the refund queue knows it too."""
    number = message.gateway_txn_id
    if message.type in gift.REVERSED and message.gateway_refund_id:
        number = "-".join(message.gateway_refund_id.split())
    try:
        return trxn_ids.for_payment(
            message.gateway,
            number,
            message_type=message.type,
            recurring=message.recurring,
        )
    except trxn_ids.InvalidTrxnId as error:
        raise Damaged("INVALID_MESSAGE", str(error), error.field) from None


def _amounts(
    message: DonationMessage, rates: Rates, received: datetime
) -> tuple[Amounts, Amounts, Decimal]:
    """Original and USD amounts, and the rate from the original currency.

    A message that was normalised before brings gross in one currency and original_gross in
    another: then each is taken as what it is, and nothing is converted twice.
    """
    currency = message.currency or message.original_currency
    gross = message.gross or Decimal(0)
    try:
        rate = rates.value_in_usd(currency, received)
        usd = gift.amounts(
            money.REPORTING_CURRENCY, gross, fee=message.fee, net=message.net, rate=rate
        )
        original = gift.amounts(currency, gross, fee=message.fee, net=message.net)
        if message.original_gross is not None and message.original_currency not in ("", currency):
            rate = rates.value_in_usd(message.original_currency, received)
            original = gift.amounts(
                message.original_currency,
                message.original_gross,
                fee=message.original_fee_amount,
                net=None,
            )
    except UnknownCurrency as error:
        raise Damaged("INVALID_MESSAGE", str(error), "currency") from None
    usd = gift.settled(
        usd,
        currency=message.settled_currency,
        total=message.settled_total_amount,
        fee=message.settled_fee_amount,
        net=message.settled_net_amount,
    )
    if usd.gross <= 0 or usd.net <= 0:
        field = "gross" if usd.gross <= 0 else "net"
        raise Damaged("CIVI_REQ_FIELD", "Positive amount required.", field)
    return original, usd, rate


def _financial_type(message: DonationMessage, is_later: bool) -> str:
    given = message.financial_type_id
    if given.isdigit():
        given = ""  # another database's number; the rules find the same type by themselves
    if given and given not in gift.FINANCIAL_TYPES:
        raise Damaged("INVALID_MESSAGE", "is not a financial type", "financial_type_id")
    return gift.financial_type(
        given=given,
        message_type=message.type,
        is_endowment=gift.is_endowment(message.utm_medium),
        is_recurring=message.is_recurring,
        is_later_installment=is_later,
    )


def _status(message: DonationMessage) -> str:
    given = message.contribution_status_id
    if given == "1":
        given = gift.COMPLETED
    if given and given not in gift.STATUSES:
        raise Damaged("INVALID_MESSAGE", "is not a status", "contribution_status_id")
    return gift.status(given=given, message_type=message.type)


def _no_thank_you(message: DonationMessage, series: Subscription | None, is_later: bool) -> str:
    """Later instalments are thanked for once a year only."""
    if message.no_thank_you:
        return message.no_thank_you[: gift.LABEL_LENGTH]
    return "recurring" if series and is_later and series.frequency_unit != "year" else ""


def _gift_data(message: DonationMessage, usd: Decimal, is_later: bool) -> GiftData:
    return gift.data(
        usd,
        utm_source=message.utm_source,
        utm_medium=message.utm_medium,
        utm_campaign=message.utm_campaign,
        campaign=message.gift_data_campaign or message.gift_source,
        appeal=message.gift_data_appeal or message.direct_mail_appeal,
        channel=message.gift_data_channel or message.channel,
        fund=message.gift_data_fund or message.restrictions,
        package=message.gift_data_package,
        recipient_id=message.recipient_id,
        is_later_installment=is_later,
    )
