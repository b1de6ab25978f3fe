"""The types of the fields of messages: loose on the wire, one Python type each."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from fundraising.crm import timestamps
from fundraising.crm.currencies import money

MAX_TEXT = 10_000
MAX_ID = 255
# Leaves room in a column of 255 for what makes an invoice_id unique.
MAX_ORDER_ID = 200
MAX_EMAIL = 254  # RFC 5321, what a mail path can carry

_SPACES = re.compile(r"[\t\n\v\f\r]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_TRUE = frozenset({"1", "true", "yes", "y", "on"})
_FALSE = frozenset({"", "0", "false", "no", "n", "off"})


def clean_text(value: str) -> str:
    """Trimmed, line ends and tabs as spaces. Raises ValueError for other control characters."""
    text = _SPACES.sub(" ", value)
    # Before the trimming, which takes some of them for spaces.
    if _CONTROLS.search(text):
        raise ValueError("holds a control character")
    return text.strip()


def _text(value: object) -> str:
    # PHP writes an unknown id as false, and an empty object as [].
    if value is None or value is False or value == []:
        return ""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int) and value is not True:
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise ValueError(f"is of type {type(value).__name__}, not text")


def _code(value: object) -> str:
    return _text(value).lower()


def _currency(value: object) -> str:
    text = _text(value)
    return money.parse_currency(text) if text else ""


def _flag(value: object) -> bool:
    answer = _choice(value)
    return bool(answer)


def _choice(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    text = _text(value).lower()
    if not text:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("is neither true nor false")


def _amount(value: object) -> Decimal | None:
    if (
        value is None
        or value is False
        or value == ""
        or (isinstance(value, str) and not value.strip())
    ):
        return None
    return money.parse_amount(value)


def _number(value: object) -> int | None:
    text = _text(value)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise ValueError("is not a whole number")
    return int(text)


def _moment(value: object, info: ValidationInfo) -> datetime | None:
    if _is_empty(value):
        return None
    return timestamps.parse(value, info.field_name or "date", datetime.now(UTC))


def _is_empty(value: object) -> bool:
    return value is None or value is False or (isinstance(value, str) and not value.strip())


def _extra(value: object) -> object:
    """Fields nobody reads are kept as they are, but a database must be able to hold them."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ValueError(f"has more than {MAX_TEXT} characters")
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _extra(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_extra(item) for item in value]
    return value


def says(kind: str, *types: str, **limits: object) -> WithJsonSchema:
    """What producers may send; made of the Python type, a JSON Schema would refuse most of it.

    ``kind`` is what the documentation calls it. PHP says in four ways that it knows nothing.
    """
    told = {"type": list(types), **limits}
    return WithJsonSchema({"x-type": kind, "anyOf": [told, {"enum": [None, "", False, []]}]})


def says_text(most: int, kind: str = "text") -> WithJsonSchema:
    """The same of text of at most so many characters."""
    return says(f"{kind} ({most})", "string", "number", maxLength=most)


_SAYS_CURRENCY = says("currency", "string", pattern=r"^\s*([A-Za-z]{3}\s*)?$")
_SAYS_FLAG = says("flag", "boolean", "string", "integer")
_SAYS_AMOUNT = says("amount", "string", "number")
_SAYS_NUMBER = says("whole number", "string", "integer", pattern=r"^\s*\d{0,18}\s*$", minimum=0)
_SAYS_TIME = says("time", "string", "number")

Text = Annotated[str, BeforeValidator(_text), Field(max_length=MAX_TEXT), says_text(MAX_TEXT)]
Id = Annotated[str, BeforeValidator(_text), Field(max_length=MAX_ID), says_text(MAX_ID)]
OrderId = Annotated[
    str, BeforeValidator(_text), Field(max_length=MAX_ORDER_ID), says_text(MAX_ORDER_ID)
]
Code = Annotated[str, BeforeValidator(_code), Field(max_length=64), says_text(64)]
Email = Annotated[
    str, BeforeValidator(_text), Field(max_length=MAX_EMAIL), says_text(MAX_EMAIL, "e-mail")
]
CurrencyCode = Annotated[str, BeforeValidator(_currency), _SAYS_CURRENCY]
Flag = Annotated[bool, BeforeValidator(_flag), _SAYS_FLAG]
Choice = Annotated[bool | None, BeforeValidator(_choice), _SAYS_FLAG]
Amount = Annotated[Decimal | None, BeforeValidator(_amount), _SAYS_AMOUNT]
Number = Annotated[int | None, BeforeValidator(_number), _SAYS_NUMBER]
Moment = Annotated[datetime | None, BeforeValidator(_moment), _SAYS_TIME]
Extra = Annotated[object, BeforeValidator(_extra)]
