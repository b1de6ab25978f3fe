"""Jobs of dLocal; its listener writes their payloads in the words of a donation."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from fundraising.crm.messages.fields import Id, OrderId
from fundraising.crm.models import PaymentToken
from fundraising.gateways.events import pass_on
from fundraising.gateways.jobs import payments
from fundraising.gateways.jobs.job import Job, Payload
from fundraising.pending import merging, transactions

GATEWAY = "dlocal"

# Its word for an agreement on a wallet (UPI) that it charges every month by itself.
RECURRING_WALLET = "IR"
# The donor took the agreement back where the wallet is.
WALLET_DISABLED = "322"

# The listener's notes for the job, and ids of another system's rows.
_NOT_OURS = frozenset({"dlocal_payment_method", "pending_id"})


class Notification(Payload):
    """The fields that decide what becomes of a payment; the others go along as they came."""

    gateway_txn_id: Annotated[Id, Field(min_length=1)]
    order_id: Annotated[OrderId, Field(min_length=1)]
    gateway_status: Id = ""
    gateway_status_code: Id = ""
    dlocal_payment_method: Id = ""
    recurring_payment_token: Id = ""

    @property
    def is_recurring_wallet(self) -> bool:
        """Whether it is for the consumer of such agreements."""
        return self.dlocal_payment_method == RECURRING_WALLET


def authorized(job: Job[Notification]) -> None:
    """A card may be charged again: keep its token for the donation."""
    told = job.payload
    if told.recurring_payment_token:
        row = payments.required(GATEWAY, told.order_id, told.gateway_txn_id)
        transactions.note(row, {"recurring_payment_token": told.recurring_payment_token})


def paid(job: Job[Notification]) -> None:
    """The money was taken: what the donor began, and what dLocal says of it, is a donation.

    Raises ``Park`` where the pending row, or a token, may be on its way.
    """
    told = job.payload
    row = transactions.hold(GATEWAY, told.order_id, told.gateway_txn_id)
    if row is None and not _is_later_instalment(told):
        payments.refuse_imported(GATEWAY, told.order_id, told.gateway_txn_id)
        payments.await_row(job)
    donation = merging.merged(row.details if row else {}, job.told)
    queue = "upi-donations" if told.is_recurring_wallet else "donations"
    payments.donate(job, _ours(donation), queue)


def rejected(job: Job[Notification]) -> None:
    """The donor ended an agreement at their wallet; any other refusal changes nothing."""
    told = job.payload
    if told.gateway_status.upper() == "REJECTED" and told.gateway_status_code == WALLET_DISABLED:
        message = {**_ours(job.told), "gateway_status_code": WALLET_DISABLED}
        pass_on(job, "upi-donations", message, kind="rejected", reference=told.gateway_txn_id)


def _is_later_instalment(told: Notification) -> bool:
    """Whether its agreement is known: then no donor began it on our pages."""
    token = told.recurring_payment_token
    return (
        told.is_recurring_wallet
        and PaymentToken.objects.filter(gateway=GATEWAY, token=token).exists()
    )


def _ours(told: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in told.items() if key not in _NOT_OURS}
    return {**kept, "gateway": GATEWAY}
