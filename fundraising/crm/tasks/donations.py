"""The consumer of ``donations``."""

from collections.abc import Sequence

from fundraising.crm.donations import import_donations
from fundraising.crm.messages import DonationMessage
from queues.consumer import Received, group_consumer


@group_consumer("donations")
def donations(group: Sequence[Received[DonationMessage]]) -> None:
    """Payments that were taken become contributions of contacts."""
    import_donations(group)
