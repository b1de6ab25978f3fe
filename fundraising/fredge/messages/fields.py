"""The types of fields that only this app's messages have."""

import re
from decimal import ROUND_HALF_UP, Decimal
from ipaddress import IPv6Address, ip_address
from typing import Annotated

from pydantic import BeforeValidator

from fundraising.crm.messages.fields import clean_text, says

# Filters send anything up to the largest float for what is fraud beyond doubt.
MAX_SCORE = Decimal(100_000_000)

_MILLIONTH = Decimal("0.000001")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


def _text(value: object) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | Decimal) and value is not True:
        return str(value)
    raise ValueError(f"is of type {type(value).__name__}")


def _score(value: object) -> Decimal | None:
    text = _text(value)
    if not text:
        return None
    if len(text) > 64 or not _NUMBER.fullmatch(text):
        raise ValueError("is not a number")
    capped = max(-MAX_SCORE, min(Decimal(text), MAX_SCORE))
    return capped.quantize(_MILLIONTH, ROUND_HALF_UP) + 0


def _integer(value: object) -> int | None:
    text = _text(value)
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise ValueError("is not a whole number")
    return int(text)


def _address(value: object) -> str | None:
    text = _text(value)
    if not text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError("is not an IP address") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError("is an address within one machine's own network")
        address = address.ipv4_mapped or address
    return str(address)


#: From -100,000,000 to 100,000,000, to a millionth.
Score = Annotated[Decimal | None, BeforeValidator(_score), says("number", "number", "string")]
Integer = Annotated[
    int | None, BeforeValidator(_integer), says("whole number", "integer", "string")
]
#: IPv4 or IPv6, in the shortest form.
IpAddress = Annotated[str | None, BeforeValidator(_address), says("IP address", "string")]
