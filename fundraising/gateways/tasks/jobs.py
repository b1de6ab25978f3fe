"""The consumers of ``jobs-*``: what listeners want done, a queue a provider."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from fundraising.gateways.jobs import known
from fundraising.gateways.messages import JobMessage
from queues.consumer import Received, group_consumer
from queues.outcomes import SetAside

QUEUES = (
    "jobs-adyen",
    "jobs-amazon",
    "jobs-braintree",
    "jobs-chariot",
    "jobs-dlocal",
    "jobs-gravy",
    "jobs-ingenico",
    "jobs-paypal",
)


def jobs(queue: str, group: Sequence[Received[JobMessage]]) -> None:
    """Do what listeners want done with the notifications of a payment processor.

    One job that fails takes no other along.
    """
    for item in group:
        try:
            with transaction.atomic():
                known.run(queue, item)
        except SetAside as reason:
            item.set_aside(reason)


CONSUMERS = {queue: group_consumer(queue)(partial(jobs, queue)) for queue in QUEUES}
