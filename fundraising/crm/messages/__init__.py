"""The messages of contacts and contributions, one module a queue."""

from fundraising.crm.messages.donations import DonationMessage
from fundraising.crm.messages.donations_modify import DonationsModifyMessage
from fundraising.crm.messages.recurring import RecurringMessage
from fundraising.crm.messages.recurring_modify import RecurringModifyMessage
from fundraising.crm.messages.refund import RefundMessage
from fundraising.crm.messages.settle import SettleMessage
from fundraising.crm.messages.upi_donations import UpiDonationMessage

__all__ = [
    "DonationMessage",
    "DonationsModifyMessage",
    "RecurringMessage",
    "RecurringModifyMessage",
    "RefundMessage",
    "SettleMessage",
    "UpiDonationMessage",
]
