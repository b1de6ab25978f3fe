"""The ``refund`` message."""

from datetime import datetime
from decimal import Decimal

from fundraising.crm.messages.fields import (
    Amount,
    Code,
    CurrencyCode,
    Id,
    Moment,
    Number,
    OrderId,
    Text,
)
from queues.messages import Message
from queues.outcomes import Damaged

# How settlement files make an id of their own where the processor tells none.
_MADE_UP = ("RFD", "REFUND")


class RefundMessage(Message):
    """Money that went back to a donor, or came back after all (``type`` says which).

    Nothing is required here, so that :meth:`require` names what is missing with the
    domain's code. Text that is absent is ``""``.
    """

    MANDATORY = ("gateway", "type", "gross", "gross_currency", "date")

    gateway: Code = ""
    type: Code = ""
    date: Moment = None
    gross: Amount = None
    gross_currency: CurrencyCode = ""
    original_currency: CurrencyCode = ""
    currency: CurrencyCode = ""

    gateway_parent_id: Id = ""
    parent_contribution_id: Number = None
    gateway_refund_id: Id = ""
    invoice_id: OrderId = ""
    order_id: OrderId = ""
    payment_method: Code = ""
    reason: Text = ""

    backend_processor: Id = ""
    backend_processor_parent_id: Id = ""
    backend_processor_refund_id: Id = ""
    backend_processor_reversal_id: Id = ""
    payment_orchestrator_reversal_id: Id = ""

    settled_date: Moment = None
    settled_currency: CurrencyCode = ""
    settled_total_amount: Amount = None
    settled_fee_amount: Amount = None
    settlement_batch_reference: Id = ""

    @property
    def at(self) -> datetime:
        """When it happened. Raises ``Damaged`` when that is missing, see :meth:`require`."""
        if self.date is None:
            raise Damaged("CIVI_REQ_FIELD", "required: date", "date")
        return self.date

    @property
    def amount(self) -> Decimal:
        """What was moved; producers differ on its sign."""
        return abs(self.gross or Decimal(0))

    @property
    def amount_currency(self) -> str:
        """The currency of the amount."""
        return self.gross_currency or self.original_currency or self.currency

    @property
    def refund_id(self) -> str:
        """The refund's own id; empty when what is told only repeats that of the payment."""
        words = self.gateway_refund_id.split()
        if words and words[0] in _MADE_UP:
            words.pop(0)
        told = " ".join(words)
        return "" if told == self.gateway_parent_id else told

    @property
    def backend_reversal_id(self) -> str:
        """The refund's id at the processor behind the gateway."""
        return self.backend_processor_reversal_id or self.backend_processor_refund_id

    def require(self) -> None:
        """Raises ``Damaged`` (CIVI_REQ_FIELD) that names the first field that is missing."""
        present = {
            "gateway": bool(self.gateway),
            "type": bool(self.type),
            "gross": self.gross is not None,
            "gross_currency": bool(self.amount_currency),
            "date": self.date is not None,
            "gateway_parent_id": bool(self.gateway_parent_id or self.parent_contribution_id),
        }
        missing = [name for name, is_there in present.items() if not is_there]
        if missing:
            raise Damaged("CIVI_REQ_FIELD", f"required: {', '.join(missing)}", missing[0])
        if not self.amount:
            raise Damaged("CIVI_REQ_FIELD", "is zero", "gross")
