"""What must be done before a donor can be erased, and what a person should know."""

from collections.abc import Iterator

from fundraising.crm.models import RecurringContribution, TokenDeletion
from fundraising.crm.recurring.state import ENDED
from fundraising.pending.lookups import any_of
from fundraising.pending.models import PendingTransaction
from fundraising.privacy.holdings import begun, set_aside
from fundraising.privacy.traces import Traces
from queues import inbox
from queues.models import DamagedMessage, OutboxMessage

Status = DamagedMessage.Status


def obstacles(traces: Traces) -> list[str]:
    """Why the donor cannot be erased now; ids only.

    A recurring contribution that is charged needs its donor, and a message that is not yet
    imported may be money: neither is destroyed.
    """
    return [*_recurring(traces), *_damaged(traces), *_outgoing(traces)]


def warnings(traces: Traces) -> list[str]:
    """What erasing the donor leads to that may not be expected."""
    return [*_undecided(traces), *_tokens(traces)]


def _undecided(traces: Traces) -> Iterator[str]:
    for row in PendingTransaction.objects.unresolved().filter(begun(traces)).order_by("pk"):
        yield f"the payment {row} is not decided: if it is made, it is booked without its donor"


def _tokens(traces: Traces) -> Iterator[str]:
    rows = TokenDeletion.objects.filter(any_of("order_id", traces.orders), deleted_at=None)
    for row in rows.order_by("pk"):
        yield f"{row} is not done at the processor: the token stays until it is, erase again then"


def _recurring(traces: Traces) -> Iterator[str]:
    rows = RecurringContribution.objects.filter(contact__in=traces.contacts).order_by("pk")
    for row in rows.exclude(status__in=ENDED):
        yield f"recurring contribution {row.pk} is {row.status}: cancel it first"


def _damaged(traces: Traces) -> Iterator[str]:
    rows = DamagedMessage.objects.filter(set_aside(traces)).exclude(status=Status.DISCARDED)
    found = list(rows.order_by("pk"))
    imported = inbox.holds((row.original_queue, row.message_id) for row in found)
    for row in found:
        name = f"damaged message {row.pk} of {row.original_queue}"
        if row.status == Status.DAMAGED:
            yield f"{name} needs a person: repair or discard it first"
        elif row.status == Status.WAITING:
            yield f"{name} waits for its retry: wait, or discard it first"
        elif (row.original_queue, row.message_id) not in imported:
            yield f"{name} was sent again and is not imported yet: wait"


def _outgoing(traces: Traces) -> Iterator[str]:
    for row in OutboxMessage.objects.filter(pk__in=traces.outgoing).order_by("pk"):
        yield f"a message to {row.queue} is on its way ({row.message_id}): try again in a minute"
