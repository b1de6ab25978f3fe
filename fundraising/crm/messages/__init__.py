"""The messages of contacts and contributions, one module a queue."""

from fundraising.crm.messages.donations import DonationMessage

__all__ = ["DonationMessage"]
