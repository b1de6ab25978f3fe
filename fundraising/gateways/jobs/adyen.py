"""Jobs of Adyen, which tells apart that it took money and that it may take more."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from fundraising.crm.currencies.money import Money
from fundraising.crm.messages.fields import Amount, Code, CurrencyCode, Id, Moment, OrderId
from fundraising.gateways.jobs import payments
from fundraising.gateways.jobs.job import Job, Payload, read
from fundraising.pending import transactions
from fundraising.pending.models import PendingTransaction
from queues.outcomes import Damaged
from queues.wire import Json

GATEWAY = "adyen"

# Under this key of its message a pending row keeps what the bank took.
CAPTURED = "captured"

# Recurring payments by these are complete with their contract.
_BY_CONTRACT = frozenset({"ideal", "sepadirectdebit"})
_IDEAL = "rtbt_ideal"


class Notification(Payload):
    """What both kinds of notification have; names as the listener writes them, in camel case.

    ``gatewayTxnId`` is the reference of the authorisation.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    gateway_txn_id: Annotated[Id, Field(min_length=1)]
    merchant_reference: Annotated[OrderId, Field(min_length=1)]


class RecordCapture(Notification):
    """``amount`` is what Adyen wrote, minor units, over a hundred, whatever the currency."""

    event_date: Moment = None
    amount: Amount = None
    currency: CurrencyCode = ""

    @property
    def captured(self) -> Money | None:
        """What the bank took, if the notification says so."""
        if self.amount is None or not self.currency:
            return None
        return Money.from_minor_units(int((self.amount * 100).to_integral_value()), self.currency)


class RecurringContract(Notification):
    """A token with which the donor may be charged again."""

    recurring_payment_token: Annotated[Id, Field(min_length=1)]
    processor_contact_id: Id = ""
    payment_method: Code = ""


class _Donated(Payload):
    """For how much a donation was pushed on."""

    gross: Amount = None
    currency: CurrencyCode = ""


def record_capture(job: Job[RecordCapture]) -> None:
    """The money was taken: what the donor began becomes a donation.

    A recurring one waits for its token, or, by iDEAL, is left to the contract that brings it.
    """
    told = job.payload
    row = payments.required(GATEWAY, told.merchant_reference, told.gateway_txn_id)
    begun = payments.begun(row.details)
    if begun.recurring and begun.payment_submethod == _IDEAL:
        if told.captured is not None:
            _note_capture(row, told.captured)
    else:
        _donate(job, row, {"date": int((told.event_date or job.heard_at).timestamp())})


def recurring_contract(job: Job[RecurringContract]) -> None:
    """The donor may be charged again: the token belongs to what they began."""
    told = job.payload
    row = payments.required(GATEWAY, told.merchant_reference, told.gateway_txn_id)
    if not payments.begun(row.details).recurring_payment_token:
        agreed = {
            "recurring_payment_token": told.recurring_payment_token,
            "processor_contact_id": told.processor_contact_id,
        }
        transactions.note(row, agreed)
    if told.payment_method in _BY_CONTRACT:
        captured = row.details.get(CAPTURED)
        _donate(job, row, captured if isinstance(captured, dict) else {})


def _note_capture(row: PendingTransaction, taken: Money) -> None:
    """Keep for the contract what the bank took, which may differ from what was asked for.

    Where the contract was first, the donation was pushed on with what was asked for.
    """
    before = row.details.get(CAPTURED) or (row.details if row.is_resolved else None)
    if isinstance(before, dict):
        donated = read(_Donated, before, "pending")
        if (donated.gross, donated.currency) != (taken.amount, taken.currency):
            text = "is not the amount that was captured before or donated"
            raise Damaged("DATA_INCONSISTENT", text, "payload.amount")
    transactions.note(row, {CAPTURED: {"gross": str(taken.amount), "currency": taken.currency}})


def _donate(
    job: Job[RecordCapture] | Job[RecurringContract],
    row: PendingTransaction,
    captured: Mapping[str, Json],
) -> None:
    """Push the donation: what the donor began, and what is known of the capture."""
    told = job.payload
    known = {key: value for key, value in row.details.items() if key != CAPTURED}
    ids = {
        "gateway": GATEWAY,
        "order_id": told.merchant_reference,
        "gateway_txn_id": told.gateway_txn_id,
    }
    payments.donate(job, {**known, **captured, **ids})
