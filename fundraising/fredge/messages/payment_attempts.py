"""The ``payment-attempts`` message: all that may tell a fraud from a gift, and how it ended."""

import re
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from fundraising.crm.messages.fields import Choice, Code, CurrencyCode, Id, Moment, Number, Text
from fundraising.fredge import merging
from fundraising.fredge.messages.fields import Integer, IpAddress
from queues.messages import Message

_REPEAT = re.compile(r"[a-z][a-z0-9_]{0,63}_repeat(?:_fraud|_decline|_blocked)?")


class PaymentAttemptMessage(Message):
    """An attempt to pay, or (``type`` is ``outcome``) what became of one."""

    OUTCOME: ClassVar = ("fraud_flagged_by_processor", "auth_decline", "blocked_by_filter")

    order_id: Annotated[Id, Field(min_length=1, max_length=64)]
    type: Code = ""
    ts: Moment = None
    contribution_tracking_id: Number = None
    gateway: Code = ""
    payment_method: Code = ""
    payment_submethod: Code = ""
    amount_in_minor_units: Integer = None
    currency: CurrencyCode = ""
    amount_in_usd_cents: Integer = None
    bin_hash: Text = ""
    utm_key: Text = ""
    utm_source: Text = ""
    utm_campaign: Text = ""
    utm_medium: Text = ""
    landing_page: Text = ""
    email_localpart: Text = ""
    email_domain: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    country: Text = ""
    postal_code: Text = ""
    street_address: Text = ""
    referrer: Text = ""
    screen_height: Integer = None
    screen_width: Integer = None
    color_depth: Integer = None
    time_zone_offset: Integer = None
    ip_country: Text = ""
    language: Text = ""
    http_accept_language: Text = ""
    browser: Text = ""
    browser_version: Text = ""
    os: Text = ""
    os_version: Text = ""
    user_ip: IpAddress = None
    recent_attempt_count: Integer = None
    fraud_flagged_by_processor: Choice = None
    auth_decline: Choice = None
    blocked_by_filter: Choice = None
    repeats: dict[str, Integer] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_repeats(cls, value: dict[str, object]) -> dict[str, object]:
        repeats = {name: value[name] for name in value if _REPEAT.fullmatch(name)}
        return {**value, "repeats": repeats}

    @property
    def is_outcome(self) -> bool:
        """Whether only the columns of the outcome are meant."""
        return self.type == "outcome"

    def at(self) -> datetime | None:
        """When it was so, as far as that is known: the attempt's time, else the push's."""
        return self.ts or self.pushed_at

    def told(self) -> dict[str, object]:
        """What it says, by column."""
        names = self.OUTCOME if self.is_outcome else _COLUMNS
        said = merging.told({name: getattr(self, name) for name in names})
        repeats = merging.told(self.repeats)
        return said if self.is_outcome or not repeats else {**said, "repeats": repeats}


_COLUMNS = (
    PaymentAttemptMessage.model_fields.keys()
    - Message.model_fields.keys()
    - {"order_id", "type", "repeats"}
)
