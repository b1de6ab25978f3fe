"""The tasks of payment processors."""

from fundraising.gateways.tasks.jobs import CONSUMERS, QUEUES, jobs

__all__ = ["CONSUMERS", "QUEUES", "jobs"]
