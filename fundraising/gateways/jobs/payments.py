"""The payment that a job is about: its pending row, and the donation that it becomes."""

from collections.abc import Mapping
from typing import Any

from fundraising.crm.messages.fields import Code, Flag, Id
from fundraising.gateways.events import pass_on
from fundraising.gateways.jobs.job import Job, Payload, read
from fundraising.pending import contributions, transactions
from fundraising.pending.models import PendingTransaction
from queues import damaged
from queues.outcomes import Drop, Park

# How often a payment that can do without its pending row waits for it: over four hours.
PATIENCE = 8


class Begun(Payload):
    """What matters here of a payment that a donor began."""

    recurring: Flag = False
    recurring_payment_token: Id = ""
    payment_submethod: Code = ""

    @property
    def lacks_token(self) -> bool:
        """Whether it cannot be charged again, as it should be."""
        return self.recurring and not self.recurring_payment_token


def begun(details: Mapping[str, Any]) -> Begun:
    """Of the details of a pending row. Raises ``Damaged`` where these fields are unusable."""
    return read(Begun, details, "pending")


def donate(job: Job[Any], donation: Mapping[str, Any], queue: str = "donations") -> None:
    """Push a donation on, the first time that its payment is told of, and resolve its order.

    Raises ``Park`` for a recurring one whose token another notification has yet to bring.
    """
    if begun(donation).lacks_token:
        raise Park("MISSING_PREDECESSOR", "the recurring payment has no token yet")
    pass_on(job, queue, donation, kind="donation", reference=donation["gateway_txn_id"])
    transactions.resolve([(donation["gateway"], donation["order_id"])])


def required(gateway: str, order_id: str, gateway_txn_id: str = "") -> PendingTransaction:
    """The row of an order that is most likely this payment, held until the commit.

    Raises ``Drop`` when there is none because it was imported long ago, and ``Park`` when it
    may still be on its way.
    """
    row = transactions.hold(gateway, order_id, gateway_txn_id)
    if row is None:
        refuse_imported(gateway, order_id, gateway_txn_id)
        raise _missing()
    return row


def refuse_imported(gateway: str, order_id: str, gateway_txn_id: str) -> None:
    """Raises ``Drop`` when the payment, or the order if no payment is named, was imported."""
    payment, order = (gateway, gateway_txn_id), (gateway, order_id)
    known = contributions.imported([] if gateway_txn_id else [order], [payment])
    if known.orders or known.txns:
        raise Drop("DUPLICATE_CONTRIBUTION", "was imported before")


def await_row(job: Job[Any]) -> None:
    """Raises ``Park`` the first :data:`PATIENCE` times that a job comes without its row.

    A row may be on its way, but money that was taken is imported with what the processor
    knows of the donor rather than never: rows are dropped after a month.
    """
    if damaged.attempts(job.queue, job.item.key) < PATIENCE:
        raise _missing()


def _missing() -> Park:
    return Park("MISSING_PREDECESSOR", "no pending transaction has the order_id")
