"""The ``payments-antifraud`` message: what fraud filters say of an attempt to pay."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from fundraising.crm.messages.fields import Code, Id, Moment, Number, Text
from fundraising.fredge import merging
from fundraising.fredge.messages.fields import IpAddress, Score
from queues.messages import Message


def _breakdown(value: object) -> object:
    # PHP writes an empty object as [].
    if value is None or value is False or value == "":
        return None
    return {} if value == [] else value


FilterName = Annotated[str, Field(min_length=1, max_length=64)]
Breakdown = Annotated[dict[FilterName, Score] | None, BeforeValidator(_breakdown)]


class PaymentsAntifraudMessage(Message):
    """All fields may be absent here: the consumer asks for those it must have."""

    MANDATORY: ClassVar = (
        "gateway",
        "validation_action",
        "risk_score",
        "score_breakdown",
        "user_ip",
        "payment_method",
        "server",
        "date",
    )

    contribution_tracking_id: Number = None
    order_id: Id = ""
    gateway: Code = ""
    gateway_txn_id: Id = ""
    validation_action: Code = ""
    risk_score: Score = None
    score_breakdown: Breakdown = None
    user_ip: IpAddress = None
    payment_method: Code = ""
    server: Text = ""
    date: Moment = None

    def at(self) -> datetime | None:
        """When it was so: its date, else when it was pushed; None when neither is known."""
        return self.date or self.pushed_at

    def told(self) -> dict[str, object]:
        """What it says, by column."""
        return merging.told(
            {
                "gateway": self.gateway,
                "gateway_txn_id": self.gateway_txn_id,
                "validation_action": self.validation_action,
                "risk_score": self.risk_score,
                "user_ip": self.user_ip,
                "payment_method": self.payment_method,
                "server": self.server,
                "date": self.date,
            }
        )
