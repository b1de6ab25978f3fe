"""The tasks of contacts and contributions: thin, a file a queue."""

from fundraising.crm.tasks.donations import donations
from fundraising.crm.tasks.donations_modify import donations_modify
from fundraising.crm.tasks.exchange_rates import load_exchange_rates
from fundraising.crm.tasks.recurring import recurring
from fundraising.crm.tasks.recurring_modify import recurring_modify
from fundraising.crm.tasks.refund import refund
from fundraising.crm.tasks.settle import settle
from fundraising.crm.tasks.upi_donations import upi_donations

__all__ = [
    "donations",
    "donations_modify",
    "load_exchange_rates",
    "recurring",
    "recurring_modify",
    "refund",
    "settle",
    "upi_donations",
]
