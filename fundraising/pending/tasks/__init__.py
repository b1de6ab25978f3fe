"""The tasks of pending transactions: thin, a file a queue."""

from fundraising.pending.tasks.expire import MAX_DAYS, expire
from fundraising.pending.tasks.pending import pending

__all__ = ["MAX_DAYS", "expire", "pending"]
