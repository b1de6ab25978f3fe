"""The consumer of ``pending``."""

from collections.abc import Sequence

from fundraising.pending.messages import PendingMessage
from fundraising.pending.store import Told, store
from queues import wire
from queues.consumer import Received, group_consumer


@group_consumer("pending")
def pending(group: Sequence[Received[PendingMessage]]) -> None:
    """Store what donors entered before their payment is certain."""
    store([Told(item.message, wire.parse(item.body, len(item.body)), item.key) for item in group])
