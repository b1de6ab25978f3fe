"""The tasks of pending transactions: thin, a file a queue."""

from fundraising.pending.tasks.pending import pending

__all__ = ["pending"]
