"""The tasks of contacts and contributions: thin, a file a queue."""

from fundraising.crm.tasks.donations import donations
from fundraising.crm.tasks.exchange_rates import load_exchange_rates

__all__ = ["donations", "load_exchange_rates"]
