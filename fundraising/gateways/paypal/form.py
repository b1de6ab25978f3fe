"""The form that PayPal posts: fields and their texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from fundraising.crm import timestamps
from queues import wire
from queues.outcomes import Damaged

# What PayPal changes when it sends the same notification again.
_OF_THE_SENDING = frozenset({"charset", "notify_version", "resend", "verify_sign"})
_NO_DATE = frozenset({"", "N/A"})


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it came in the payload of a job."""

    told: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether a field was posted, blank or not."""
        return self.told.get(name) is not None

    def text(self, name: str) -> str:
        """A field, trimmed; empty when it was not posted. Raises ``Damaged`` that names it."""
        value = self.told.get(name)
        if value is None or value is False:
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | Decimal) and value is not True:
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        raise _wrong(name, f"is of type {type(value).__name__}, not text")

    def lines(self, name: str) -> list[str]:
        """The lines of a field that are not blank."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def moment(self, *names: str) -> datetime | None:
        """The date in the first of these fields that has one. Raises ``Damaged``."""
        for name in names:
            text = self.text(name)
            if text not in _NO_DATE:
                try:
                    return timestamps.parse(text, name, datetime.now(UTC))
                except timestamps.InvalidTimestamp as error:
                    raise _wrong(name, str(error)) from None
        return None

    def digest(self) -> str:
        """The same for the same notification, however often it is sent."""
        told = {key: self.told[key] for key in sorted(self.told) if key not in _OF_THE_SENDING}
        return sha256(wire.dumps(told).encode("utf-8")).hexdigest()


def _wrong(name: str, fault: str) -> Damaged:
    return Damaged("INVALID_MESSAGE", fault, f"payload.{name}")
