"""What a donation is in the books: amounts, financial type, status, gift data."""

import re
from dataclasses import dataclass
from decimal import Decimal

from fundraising.crm import utm
from fundraising.crm.currencies.money import REPORTING_CURRENCY, Money, rounded

ONLINE_GIFT = "Online Gift"
ENDOWMENT_FUND = "Endowment Fund"
LABEL_LENGTH = 255

CASH = "Cash"
ENDOWMENT_GIFT = "Endowment Gift"
RECURRING_GIFT = "Recurring Gift"
RECURRING_CASH = "Recurring Gift - Cash"
COMPLETED = "Completed"

REVERSED = ("chargeback_reversed", "refund_reversed", "reversal_reversed")
_FINANCIAL_TYPE_BY_TYPE = dict(
    zip(REVERSED, ("Chargeback Reversal", "Refund Reversal", "Reversal Reversal"), strict=True)
)
_STATUS_BY_TYPE = dict(
    zip(REVERSED, ("chargeback_reversal", "refund_reversal", "reversal_reversal"), strict=True)
)
FINANCIAL_TYPES = frozenset(
    {CASH, ENDOWMENT_GIFT, RECURRING_GIFT, RECURRING_CASH, "Refund", "Chargeback", "Reversal"}
    | set(_FINANCIAL_TYPE_BY_TYPE.values())
)
STATUSES = frozenset(
    {COMPLETED, "Refunded", "Chargeback", "Cancelled", "Reversal", *_STATUS_BY_TYPE.values()}
)

MAJOR_USD = Decimal("9999.99")
MAJOR_MAIL_USD = Decimal(250)
_MAJOR_SOURCE = re.compile(r"~MG\d+", re.ASCII)

EXTERNAL_FIELDS = ("fundraiseup_id", "venmo_user_name", "gravy_id", "paypal_payer_id")
EXTERNAL_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Amounts:
    """Gross, fee and net of one payment in one currency, each rounded to its digits."""

    currency: str
    gross: Decimal
    fee: Decimal
    net: Decimal

    @property
    def gross_money(self) -> Money:
        """The gross with its currency."""
        return Money(self.gross, self.currency)


@dataclass(frozen=True, slots=True)
class GiftData:
    """The Gift_Data fields of a contribution; empty when unknown."""

    campaign: str
    appeal: str
    channel: str
    fund: str
    package: str
    is_major_gift: bool


@dataclass(frozen=True, slots=True)
class ExternalIdentifier:
    """The donor's id at the processor; ``field`` is one of :data:`EXTERNAL_FIELDS`."""

    field: str
    value: str


def amounts(
    currency: str,
    gross: Decimal,
    *,
    fee: Decimal | None,
    net: Decimal | None,
    rate: Decimal = Decimal(1),
) -> Amounts:
    """Converted by ``rate`` into ``currency``; each is rounded from its exact value.

    A net that is not given is gross less fee, a fee that is not given gross less net (the
    original's second rule never ran), and with neither the fee is 0. As each is rounded by
    itself, gross may differ from fee and net together by one minor unit.
    """
    if fee is None:
        fee = Decimal(0) if net is None else gross - net
    if net is None:
        net = gross - fee
    return Amounts(
        currency,
        *(rounded(amount * rate, currency) for amount in (gross, fee, net)),
    )


def settled(
    converted: Amounts,
    *,
    currency: str,
    total: Decimal | None,
    fee: Decimal | None,
    net: Decimal | None,
) -> Amounts:
    """The USD amounts as the bank really settled them, where it settled in USD.

    A settled fee is negative. What the settlement leaves open follows from the others.
    """
    if currency != REPORTING_CURRENCY or (total is None and fee is None and net is None):
        return converted
    gross = converted.gross if total is None else total
    paid = None if fee is None else -fee
    if paid is None and net is None:
        paid = converted.fee
    return amounts(currency, gross, fee=paid, net=net)


def financial_type(
    *,
    given: str = "",
    message_type: str = "",
    is_endowment: bool = False,
    is_recurring: bool = False,
    is_later_installment: bool = False,
) -> str:
    """The financial type of a contribution; ``given`` is one of :data:`FINANCIAL_TYPES`."""
    if is_endowment:
        return ENDOWMENT_GIFT
    if given:
        return given
    if message_type in _FINANCIAL_TYPE_BY_TYPE:
        return _FINANCIAL_TYPE_BY_TYPE[message_type]
    if is_recurring:
        return RECURRING_CASH if is_later_installment else RECURRING_GIFT
    return CASH


def status(*, given: str = "", message_type: str = "") -> str:
    """The status of a contribution; ``given`` is one of :data:`STATUSES`."""
    return given or _STATUS_BY_TYPE.get(message_type, COMPLETED)


def is_endowment(utm_medium: str) -> bool:
    """Given to the endowment, which only the medium tells."""
    return utm_medium.lower() == "endowment"


def data(
    usd: Decimal,
    *,
    utm_source: str = "",
    utm_medium: str = "",
    utm_campaign: str = "",
    campaign: str = "",
    appeal: str = "",
    channel: str = "",
    fund: str = "",
    package: str = "",
    recipient_id: str = "",
    is_later_installment: bool = False,
) -> GiftData:
    """The Gift_Data of a gift of ``usd``; the utm_campaign is the appeal before a given one."""
    endowment = is_endowment(utm_medium)
    found_channel = channel or utm.channel(
        utm_source=utm_source,
        utm_medium=utm_medium,
        utm_campaign=utm_campaign,
        recipient_id=recipient_id,
        is_later_installment=is_later_installment,
        is_endowment=endowment,
    )
    found_appeal = (utm_campaign or appeal)[:LABEL_LENGTH]
    return GiftData(
        campaign=campaign[:LABEL_LENGTH] or ONLINE_GIFT,
        appeal=found_appeal,
        channel=found_channel[:LABEL_LENGTH],
        fund=ENDOWMENT_FUND if endowment else fund[:LABEL_LENGTH],
        package=package[:LABEL_LENGTH],
        is_major_gift=not is_later_installment
        and is_major(usd, found_appeal, found_channel, utm_medium, utm_source),
    )


def is_major(usd: Decimal, appeal: str, channel: str, utm_medium: str, utm_source: str) -> bool:
    """Whether a first gift is a major one: by its size, its mailing or its officers' marks."""
    if usd > MAJOR_USD:
        return True
    if channel == "Direct Mail":
        if appeal.endswith("MGF"):
            return True
        mailed = appeal in ("WMF1124RE", "White Mail") or appeal.endswith("WM")
        if mailed and usd >= MAJOR_MAIL_USD:
            return True
    return (
        utm_medium.startswith("MG")
        or appeal.startswith("MG")
        or _MAJOR_SOURCE.search(utm_source.upper()) is not None
    )


def external_identifier(
    gateway: str, payment_method: str, identifier: str
) -> ExternalIdentifier | None:
    """Where the donor's id at the processor is kept; None when there is no place for it."""
    value = identifier.strip()[:EXTERNAL_LENGTH]
    if not value:
        return None
    if payment_method == "venmo" or (gateway == "braintree" and payment_method != "paypal"):
        return ExternalIdentifier("venmo_user_name", _with_at(value))
    if gateway in ("paypal", "paypal_ec") or payment_method == "paypal":
        return ExternalIdentifier("paypal_payer_id", value)
    field = f"{gateway}_id"
    return ExternalIdentifier(field, value) if field in EXTERNAL_FIELDS else None


def _with_at(name: str) -> str:
    return name if name.startswith("@") else f"@{name}"[:EXTERNAL_LENGTH]
