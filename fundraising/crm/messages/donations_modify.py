"""The ``donations-modify`` message."""

from pydantic import Field

from fundraising.crm.messages.fields import Choice, Code, Id, Moment, OrderId, Text
from queues.messages import Message
from queues.outcomes import Damaged

CANCELLED = "Cancelled"


class DonationsModifyMessage(Message):
    """A payment that was booked and then failed after all, as bank debits do.

    ``can_retry``: whether it may succeed another time, as it matters to a recurring one.
    """

    MANDATORY = ("gateway", "gateway_txn_id", "contribution_status", "reason")

    gateway: Code = ""
    gateway_txn_id: Id = ""
    contribution_status: Id = Field("", alias="contribution_status_id:name")
    reason: Text = ""
    can_retry: Choice = None
    date: Moment = None
    order_id: OrderId = ""
    backend_processor: Id = ""
    backend_processor_txn_id: Id = ""

    def require(self) -> None:
        """Raises ``Damaged`` (INVALID_MESSAGE) that names the field at fault."""
        for name in ("gateway", "gateway_txn_id", "reason"):
            if not getattr(self, name):
                raise Damaged("INVALID_MESSAGE", "is required", name)
        if self.contribution_status != CANCELLED:
            text = "is no change that this queue knows: Cancelled"
            raise Damaged("INVALID_MESSAGE", text, "contribution_status_id:name")
