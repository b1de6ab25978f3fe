"""The message layer: plain JSON on Redis lists, consumed with nothing lost.

Knows nothing of donations; see docs/delivery-contract.md.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queues.producer import push
    from queues.sequences import next_id

__all__ = ["next_id", "push"]


def __getattr__(name: str) -> object:
    """Import what is asked for: a probe (queues.heartbeats) shall start without Django."""
    if name == "push":
        from queues.producer import push

        return push
    if name == "next_id":
        from queues.sequences import next_id

        return next_id
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
