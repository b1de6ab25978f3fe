"""Pushing on what a processor told, once however often it is told."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fundraising.gateways.jobs.job import Job
from fundraising.gateways.models import ProcessorEvent
from queues.outbox import push_later
from queues.outcomes import Drop


def event_id(provider: str, kind: str, reference: str) -> str:
    """The identity of an event: what happened (``kind``) to what (``reference``)."""
    digest = sha256(reference.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{provider}-{kind}-{digest[:32]}"


def pass_on(
    job: Job[Any], queue: str, message: Mapping[str, Any], *, kind: str, reference: str
) -> None:
    """Push a message when this transaction has committed, with the event as its message_id.

    Raises ``Drop`` when the event was told before. The message need not be the same then: it
    is made of a pending row too, which changes; the first telling stands.
    """
    identity = event_id(job.provider, kind, reference)
    _, is_new = ProcessorEvent.objects.get_or_create(
        event_id=identity,
        defaults={
            "queue": queue,
            "gateway": message["gateway"],
            "order_id": str(message.get("order_id") or "")[:255],
            "gateway_txn_id": str(message.get("gateway_txn_id") or "")[:255],
            "message_id": job.item.key,
        },
    )
    if not is_new:
        raise Drop("DUPLICATE_NOTIFICATION", "was told before")
    push_later(queue, {**message, **job.hops, "message_id": identity})
