"""The ``payments-init`` message: how an attempt to pay ended."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from pydantic import model_validator

from fundraising.crm.messages.fields import Amount, Code, CurrencyCode, Id, Moment, Number, Text
from fundraising.fredge import merging
from queues.messages import Message

_DIGITS = Decimal("0.0001")


class PaymentsInitMessage(Message):
    """All fields may be absent here: the consumer asks for those it must have.

    ``order_id`` may be blank for good: then the tracking id alone names the attempt.
    """

    MANDATORY: ClassVar = (
        "contribution_tracking_id",
        "gateway",
        "validation_action",
        "payments_final_status",
        "country",
        "amount",
        "currency",
        "server",
        "date",
    )

    contribution_tracking_id: Number = None
    order_id: Id = ""
    gateway: Code = ""
    gateway_txn_id: Id = ""
    validation_action: Code = ""
    payments_final_status: Code = ""
    payment_method: Code = ""
    payment_submethod: Code = ""
    country: Text = ""
    amount: Amount = None
    currency: CurrencyCode = ""
    server: Text = ""
    date: Moment = None

    @model_validator(mode="before")
    @classmethod
    def _currency_by_either_name(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        return {**value, "currency": value.get("currency") or value.get("currency_code")}

    def told(self) -> dict[str, object]:
        """What it says, by column."""
        amount = self.amount
        return merging.told(
            {
                "gateway": self.gateway,
                "gateway_txn_id": self.gateway_txn_id,
                "validation_action": self.validation_action,
                "payments_final_status": self.payments_final_status,
                "payment_method": self.payment_method,
                "payment_submethod": self.payment_submethod,
                "country": self.country,
                "amount": None if amount is None else amount.quantize(_DIGITS, ROUND_HALF_UP),
                "currency_code": self.currency,
                "server": self.server,
                "date": self.date,
            }
        )
