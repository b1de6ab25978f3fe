"""The recurring side of a donation: what its record is made of or found by."""

from dataclasses import dataclass
from datetime import datetime

from fundraising.crm.messages import DonationMessage
from fundraising.crm.recurring import schedule
from queues.outcomes import Damaged


@dataclass(frozen=True, slots=True)
class RecurringContext:
    """What the database knows of the recurring record a message belongs to.

    ``is_first_installment``: no contribution of it exists yet.
    """

    id: str
    is_first_installment: bool
    payment_instrument: str = ""
    frequency_unit: str = "month"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A recurring contribution as a donation message tells it; ``id`` empty when unknown.

    ``trxn_id`` names the record (also its processor_id): the token for PayPal through gravy,
    else the subscription id, else the payment's. ``cycle_day`` is the UTC day of month.
    """

    id: str
    trxn_id: str
    subscr_id: str
    payment_token: str
    frequency_unit: str
    frequency_interval: int
    installments: int
    start_date: datetime
    create_date: datetime
    cycle_day: int
    processor_contact_id: str
    initial_scheme_transaction_id: str
    payment_service_id: str
    original_country: str
    rescue_reference: str
    is_autorescue: bool
    is_successful_autorescue: bool
    is_first_installment: bool


def subscription(
    message: DonationMessage, received: datetime, record: RecurringContext | None
) -> Subscription | None:
    """The subscription that an instalment belongs to or begins; None for a one-time donation.

    Raises ``Damaged`` (INVALID_RECURRING).
    """
    if not message.is_recurring:
        return None
    unit = message.frequency_unit or (record.frequency_unit if record else "month")
    _check(message, unit, record)
    return Subscription(
        id=record.id if record else "",
        trxn_id=_trxn_id(message),
        subscr_id=message.subscr_id,
        payment_token=message.recurring_payment_token,
        frequency_unit=unit,
        frequency_interval=1,
        installments=0,
        start_date=received,
        create_date=received,
        cycle_day=schedule.cycle_day(received),
        processor_contact_id=message.processor_contact_id,
        initial_scheme_transaction_id=message.initial_scheme_transaction_id,
        payment_service_id=message.payment_service_id,
        original_country=(message.url_country or message.country).upper()[:2],
        rescue_reference=message.rescue_reference,
        is_autorescue=message.is_autorescue,
        is_successful_autorescue=message.is_successful_autorescue,
        is_first_installment=record is None or record.is_first_installment,
    )


def _check(message: DonationMessage, unit: str, record: RecurringContext | None) -> None:
    if unit not in schedule.MONTHS:
        raise Damaged("INVALID_RECURRING", "is neither month nor year", "frequency_unit")
    if message.frequency_interval not in (None, 1):
        raise Damaged("INVALID_RECURRING", "is not 1", "frequency_interval")
    if message.installments not in (None, 0):
        raise Damaged("INVALID_RECURRING", "is not 0, without end", "installments")
    if message.contribution_recur_id and record is None:
        raise Damaged("INVALID_RECURRING", "no such record", "contribution_recur_id")
    if not (record or message.subscr_id or message.recurring_payment_token):
        raise Damaged(
            "INVALID_RECURRING",
            "needs subscr_id, recurring_payment_token or contribution_recur_id",
            "subscr_id",
        )


def _trxn_id(message: DonationMessage) -> str:
    token = message.recurring_payment_token
    if message.gateway == "gravy" and message.payment_method == "paypal" and token:
        return token
    return message.subscr_id or message.gateway_txn_id
