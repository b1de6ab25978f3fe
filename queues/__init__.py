"""The message layer: plain JSON on Redis lists, consumed with nothing lost.

Knows nothing of donations; see docs/delivery-contract.md.
"""

from queues.producer import push
from queues.sequences import next_id

__all__ = ["next_id", "push"]
