"""The tasks of banners: thin, a file a queue."""

from fundraising.banners.tasks.banner_history import banner_history

__all__ = ["banner_history"]
