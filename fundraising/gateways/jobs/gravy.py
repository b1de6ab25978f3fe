"""Jobs of Gravy; payloads are in the words that the listener makes of Gravy's answer."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from fundraising.crm.messages.fields import Code, Email, Id, Moment, OrderId, Text
from fundraising.gateways.events import pass_on
from fundraising.gateways.jobs import payments
from fundraising.gateways.jobs.job import Job, Payload
from fundraising.pending import merging
from queues.outcomes import Damaged

GATEWAY = "gravy"


def _object(value: object) -> object:
    # PHP writes an empty object as [], and one that it has not as null.
    return {} if value is None or value == [] else value


class Address(Payload):
    """Where the donor lives."""

    address_line1: Text = ""
    postal_code: Text = ""
    state: Text = ""
    city: Text = ""
    country: Text = ""


class DonorDetails(Payload):
    """What the processor knows of the donor."""

    first_name: Text = ""
    last_name: Text = ""
    email_address: Email = ""
    address: Annotated[Address, BeforeValidator(_object)] = Address()


class RecordCapture(Payload):
    """A payment that is complete. Its amount is not read: what was asked for was taken."""

    gateway_txn_id: Annotated[Id, Field(min_length=1)]
    order_id: Annotated[OrderId, Field(min_length=1)]
    event_date: Annotated[Moment, Field(alias="eventDate")] = None
    payment_submethod: Code = ""
    backend_processor: Id = ""
    backend_processor_transaction_id: Id = ""
    payment_orchestrator_reconciliation_id: Id = ""
    payment_service_id: Id = ""
    recurring_payment_token: Id = ""
    donor_details: Annotated[DonorDetails, BeforeValidator(_object)] = DonorDetails()


class RecurringCancellation(Payload):
    """A stored payment method that the donor deleted, by its token."""

    recurring_payment_token: Id = ""
    subscr_id: Id = ""
    payment_method: Code = ""
    date: Moment = None
    cancel_date: Moment = None


def record_capture(job: Job[RecordCapture]) -> None:
    """The money was taken: what the donor began, filled up by Gravy, becomes a donation."""
    told = job.payload
    row = payments.required(GATEWAY, told.order_id, told.gateway_txn_id)
    donation = {
        **merging.merged(_facts(told), row.details),
        "gateway": GATEWAY,
        "order_id": told.order_id,
        "gateway_txn_id": told.gateway_txn_id,
        "date": int((told.event_date or job.heard_at).timestamp()),
    }
    if told.backend_processor_transaction_id:
        # The processor's id of the capture, where the row has that of the authorisation.
        donation["backend_processor_txn_id"] = told.backend_processor_transaction_id
    payments.donate(job, donation)


def recurring_cancellation(job: Job[RecurringCancellation]) -> None:
    """The donor deleted what they were charged by: the recurring contribution ends."""
    told = job.payload
    token = told.recurring_payment_token or told.subscr_id
    if not token:
        text = "is missing, and so is subscr_id"
        raise Damaged("INVALID_MESSAGE", text, "payload.recurring_payment_token")
    cancelled = told.cancel_date or told.date or job.heard_at
    message = {
        "gateway": GATEWAY,
        "txn_type": "subscr_cancel",
        "recurring": "1",
        "recurring_payment_token": told.recurring_payment_token,
        "subscr_id": told.subscr_id,
        "payment_method": told.payment_method,
        "date": int((told.date or cancelled).timestamp()),
        "cancel_date": int(cancelled.timestamp()),
    }
    known = {key: value for key, value in message.items() if value != ""}
    pass_on(job, "recurring", known, kind="subscr_cancel", reference=token)


def _facts(told: RecordCapture) -> dict[str, str]:
    """What Gravy knows that the donor's browser may not have come back to tell."""
    donor = told.donor_details
    facts = {
        "payment_submethod": told.payment_submethod,
        "backend_processor": told.backend_processor,
        "payment_orchestrator_reconciliation_id": told.payment_orchestrator_reconciliation_id,
        "payment_service_id": told.payment_service_id,
        "recurring_payment_token": told.recurring_payment_token,
        "first_name": donor.first_name,
        "last_name": donor.last_name,
        "email": donor.email_address,
        "street_address": donor.address.address_line1,
        "postal_code": donor.address.postal_code,
        "state_province": donor.address.state,
        "city": donor.address.city,
        "country": donor.address.country,
    }
    return {key: value for key, value in facts.items() if value}
