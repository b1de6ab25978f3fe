"""The ``upi-donations`` message."""

from fundraising.crm.messages.donations import REQUIRED, DonationMessage
from fundraising.crm.messages.fields import Code, Id, OrderId


class UpiDonationMessage(DonationMessage):
    """A payment from an Indian bank account under a standing mandate, or its refusal.

    ``gateway_status`` is ``paid`` or ``rejected``, the latter with ``gateway_status_code``.
    The mandate is known by its token, which with the amount makes the name of its record.
    """

    MANDATORY = (*REQUIRED, "gateway_status", "recurring_payment_token")

    gateway_status: Code = ""
    gateway_status_code: Id = ""
    recurring_payment_token: OrderId = ""
