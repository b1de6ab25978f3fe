"""Strict reading of what stands on a Redis list.

JSON is treacherous with money: floats, NaN, the last of two equal keys, numbers
without end. Here a message either reads as exactly what its producer wrote or is
refused with the name of the field that is wrong.
"""

import hashlib
import json
import re
from decimal import Decimal
from typing import NoReturn, TypeAlias

from queues.outcomes import Damaged

# What JSON can hold once read strictly: fractions are Decimal, never float.
Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"

MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40
MAX_EXPONENT = 40

# No database stores these: U+0000 and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_OPEN_FIELD = re.compile(r'"([^"\\]{1,100})"\s*:\s*"(?:[^"\\]|\\.)*\Z', re.DOTALL)
# How far back the name of a field is looked for, characters.
MAX_FIELD = 20_000
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


# Marks a Decimal on its way through the encoder; no readable message contains a NUL.
_NUMBER_MARK = "\x00number "
_MARKED_NUMBER = re.compile(r'"\\u0000number ([^"]+)"')


class _Refused:
    """Stands for a number that is refused, until the key it belongs to is known."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def digest(body: bytes) -> str:
    """The identity of a message that has no message_id: the SHA-256 of its bytes, in hex."""
    return hashlib.sha256(body).hexdigest()


def parse(body: bytes, max_bytes: int) -> dict[str, Json]:
    """Read a message.

    Raises ``Damaged`` (code INVALID_JSON) that names the field at fault: not UTF-8, not
    JSON, not an object, over ``max_bytes``, nested deeper than 32, duplicate keys, NaN or
    infinities, numbers of more than 40 characters, characters that no database stores.
    """
    if len(body) > max_bytes:
        fault = f"the message has {len(body)} bytes, more than {max_bytes}"
        raise _invalid(fault, _largest_field(body))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8", "replace")
        raise _invalid(f"is not UTF-8 at byte {error.start}", _open_field(before)) from None
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        fault = f"is not JSON: {error.msg.removesuffix(' at')} at character {error.pos}"
        raise _invalid(fault, _open_field(text[: error.pos])) from None
    except RecursionError:
        raise _invalid("is nested too deep") from None
    if not isinstance(value, dict):
        raise _invalid("is not a JSON object")
    return value


def dumps(value: Json, indent: int | None = None) -> str:
    """JSON of what :func:`parse` read; numbers keep every digit they had."""

    def mark(item: object) -> str:
        if isinstance(item, Decimal):
            return f"{_NUMBER_MARK}{item}"
        raise TypeError(f"{type(item).__name__} has no place in JSON")

    text: str = json.dumps(value, default=mark, indent=indent, ensure_ascii=indent is None)
    return _MARKED_NUMBER.sub(r"\1", text)


def _invalid(text: str, field: str = "") -> Damaged:
    return Damaged("INVALID_JSON", text if field else f"the message {text}", field)


def _refuse(text: str, field: str) -> NoReturn:
    raise Damaged("INVALID_JSON", text, _UNSTORABLE.sub("?", field)[:100])


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for key, value in pairs:
        if _UNSTORABLE.search(key):
            _refuse("the name of the field has a NUL or half a surrogate pair", key)
        if key in result:
            _refuse("stands twice in one object", key)
        _check(key, value)
        result[key] = value
    return result


def _check(key: str, value: object) -> None:
    """Objects inside were checked when they were read; lists were not."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            _refuse("has a NUL or half a surrogate pair", key)
    elif isinstance(value, _Refused):
        _refuse(value.reason, key)
    elif isinstance(value, list):
        for item in value:
            _check(key, item)


def _integer(literal: str) -> int | _Refused:
    if len(literal) > MAX_NUMBER_LENGTH:
        return _Refused(f"has a number of more than {MAX_NUMBER_LENGTH} characters")
    return int(literal)


def _decimal(literal: str) -> Decimal | _Refused:
    exponent = literal.lower().partition("e")[2]
    if len(literal) > MAX_NUMBER_LENGTH or (exponent and abs(int(exponent)) > MAX_EXPONENT):
        return _Refused(f"has a number of more than {MAX_NUMBER_LENGTH} digits")
    return Decimal(literal)


def _constant(name: str) -> _Refused:
    return _Refused(f"is {name}, which is no number")


def _open_field(before: str) -> str:
    """The field in whose text a reading stopped; empty when it stopped outside of one."""
    found = _OPEN_FIELD.search(before[-MAX_FIELD:])
    return found[1][:100] if found else ""


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser meets it, and say where it is."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth, field = 0, ""
    for token in _TOKEN.finditer(text):
        first = token.group()[0]
        if first == '"':
            if depth == 1 and text[token.end() :].lstrip()[:1] == ":":
                field = token.group()[1:-1]
        elif first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                _refuse(f"is nested deeper than {MAX_DEPTH}", field)
        else:
            depth -= 1


def _largest_field(body: bytes) -> str:
    """Which field makes a message too large, as far as that can be told."""
    try:
        value = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict) or not value:
        return ""
    return str(max(value, key=lambda name: len(str(value[name]))))[:100]
