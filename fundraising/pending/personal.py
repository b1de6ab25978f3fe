"""Hiding who a donor is where it does not matter."""

from collections.abc import Mapping
from typing import Any

from queues.wire import Json

HIDDEN = "•••"

# By what a field's name contains, so that a field which a producer adds is hidden as well.
_PERSONAL = (
    "name",
    "email",
    "phone",
    "street",
    "address",
    "city",
    "postal",
    "state_province",
    "user_ip",
    "recipient_id",
    "employer",
    "fiscal_number",
    "legal_identifier",
    "external_identifier",
    "checksum",
    "contact_hash",
    "token",
    "session",
)
_NOT_PERSONAL = frozenset({"source_name"})


def without_personal_data(message: Mapping[str, Json]) -> dict[str, Any]:
    """A message with what tells who the donor is hidden; that a field is blank stays seen."""
    return {
        key: HIDDEN if value not in (None, "", False) and _is_personal(key, value) else value
        for key, value in message.items()
    }


def mask_email(address: str) -> str:
    """Enough of an address to tell two apart: ``d•••@example.org``."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}{HIDDEN}{at}{domain}" if address else ""


def _is_personal(key: str, value: Json) -> bool:
    if key in _NOT_PERSONAL:
        return False
    # What is inside is not looked through: nothing that is needed here is nested.
    return isinstance(value, dict | list) or any(part in key.lower() for part in _PERSONAL)
