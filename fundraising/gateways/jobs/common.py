"""The job that every queue may hold."""

from typing import Annotated

from pydantic import Field

from fundraising.crm.messages.fields import Code, OrderId
from fundraising.gateways.jobs import payments
from fundraising.gateways.jobs.job import Job, Payload
from fundraising.pending import transactions


class DeletePending(Payload):
    """The order whose payment failed."""

    gateway: Annotated[Code, Field(min_length=1)]
    order_id: Annotated[OrderId, Field(min_length=1)]


def delete_pending(job: Job[DeletePending]) -> None:
    """Nobody needs to chase the payments of an order any more."""
    order = job.payload.gateway, job.payload.order_id
    payments.required(*order)
    transactions.resolve([order])
