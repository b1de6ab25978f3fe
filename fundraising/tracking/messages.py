"""The ``contribution-tracking`` message: what is known of a visit to the donation form."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from fundraising.crm.currencies import money
from fundraising.crm.messages.fields import Choice, Moment, Number, says
from queues.messages import Message

MAX_TEXT = 10_000
# What the column takes; whatever is larger was never meant to be paid.
MAX_AMOUNT = Decimal(99_999_999_999_999_999)

_HUGE = re.compile(r"\d{17,64}(?:\.\d*)?", re.ASCII)


def _text(value: object) -> str:
    """Much of it stood in an address bar: nothing is refused that is text in any way."""
    if value is None or value is False or value == []:
        return ""
    if value is True:
        return "1"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str | int):
        return str(value).strip()
    raise ValueError(f"is of type {type(value).__name__}, not text")


def _amount(value: object) -> Decimal | None:
    text = _text(value)
    if not text:
        return None
    if _HUGE.fullmatch(text):
        return min(Decimal(text), MAX_AMOUNT)
    return money.parse_amount(text)


Text = Annotated[
    str,
    BeforeValidator(_text),
    Field(max_length=MAX_TEXT),
    says(f"text ({MAX_TEXT})", "string", "number", "boolean", maxLength=MAX_TEXT),
]
Amount = Annotated[
    Decimal | None, BeforeValidator(_amount), says("amount", "string", "number", "boolean")
]


class ContributionTrackingMessage(Message):
    """One data point about the visit ``id``: any part of what there is to know.

    Nothing but the id is required, and that is for the consumer to ask. What is absent is
    ``""`` or None, which says nothing about the visit and takes nothing back. But for
    ``unlinked_contribution_id``, a contribution that is not the visit's after all.
    """

    MANDATORY = ("id",)

    id: Number = None
    contribution_id: Number = None
    contribution_date: Moment = None
    unlinked_contribution_id: Number = None
    amount: Amount = None
    currency: Text = ""
    is_recurring: Choice = None
    referrer: Text = ""
    utm_source: Text = ""
    utm_medium: Text = ""
    utm_campaign: Text = ""
    utm_key: Text = ""
    gateway: Text = ""
    payment_method: Text = ""
    payment_submethod: Text = ""
    appeal: Text = ""
    payments_form_variant: Text = ""
    banner: Text = ""
    landing_page: Text = ""
    language: Text = ""
    country: Text = ""
    ts: Moment = None
    tracking_date: Moment = None
    os: Text = ""
    os_version: Text = ""
    browser: Text = ""
    browser_version: Text = ""
    banner_history_log_id: Text = ""
    app_install_id: Text = ""
