"""The tasks of contribution tracking: thin, a file a queue."""

from fundraising.tracking.tasks.contribution_tracking import contribution_tracking

__all__ = ["contribution_tracking"]
