"""The ``pending`` message: what a donor entered before the payment was certain."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from fundraising.crm import timestamps
from fundraising.crm.messages.fields import Code, Email, Id, Number, says
from queues.messages import Message


def _date(value: object) -> datetime:
    if value is None or value is False or (isinstance(value, str) and not value.strip()):
        raise ValueError("is missing")
    return timestamps.parse(value, "date", datetime.now(UTC))


class PendingMessage(Message):
    """The fields by which a pending transaction is found; all others are kept as they came.

    They are those of a donation, and are checked when it is imported: a doubtful amount is
    no reason to forget the donor. ``gateway_txn_id`` is often false: not known yet.
    """

    date: Annotated[datetime, BeforeValidator(_date), says("time", "string", "number")]
    gateway: Annotated[Code, Field(min_length=1)]
    gateway_account: Id = ""
    order_id: Id = ""
    gateway_txn_id: Annotated[Id, Field(validate_default=True)] = ""
    contribution_tracking_id: Number = None
    email: Email = ""
    payment_method: Code = ""
    backend_processor: Id = ""
    backend_processor_txn_id: Id = ""
    payment_orchestrator_reconciliation_id: Id = ""

    @field_validator("gateway_txn_id")
    @classmethod
    def _or_order_id(cls, value: str, info: ValidationInfo) -> str:
        if not value and not info.data.get("order_id"):
            raise ValueError("is missing, and so is order_id")
        return value
