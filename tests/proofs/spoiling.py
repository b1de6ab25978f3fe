"""The ways to spoil a donation."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

Fields = dict[str, Any]


class Secret(NamedTuple):
    """What must not be kept of a message, and what is kept in its place."""

    text: str
    masked: str


@dataclass(frozen=True)
class Spoilt:
    """What is made of a donation: the bytes, and the field at fault, empty if there is none."""

    body: bytes
    field: str
    secret: Secret | None = None

    @property
    def kept(self) -> bytes:
        """The bytes that a person may see: verbatim, unless they hold card data."""
        if self.secret is None:
            return self.body
        return self.body.replace(self.secret.text.encode(), self.secret.masked.encode())


Spoil = Callable[[Fields], Spoilt]

ABSENT = object()


def encode(fields: Fields) -> bytes:
    """JSON as producers write it; NaN and infinities as their literals."""
    return json.dumps(fields).encode()


def put(field: str, value: object, **others: object) -> Spoil:
    """The field has a value that it must not have."""
    return lambda good: Spoilt(encode(good | others | {field: value}), field)


def put_literally(field: str, literal: bytes) -> Spoil:
    """The field's value is this piece of JSON, or of what pretends to be."""

    def spoil(good: Fields) -> Spoilt:
        body = encode(good | {field: "@@"})
        return Spoilt(body.replace(b'"@@"', literal, 1), field)

    return spoil


def without(field: str, how: object) -> Spoil:
    def spoil(good: Fields) -> Spoilt:
        rest = {name: value for name, value in good.items() if name != field}
        return Spoilt(encode(rest if how is ABSENT else rest | {field: how}), field)

    return spoil


def with_duplicate(field: str, second: object) -> Spoil:
    def spoil(good: Fields) -> Spoilt:
        body = encode({field: good.get(field, "1"), **good})
        return Spoilt(body[:-1] + f", {json.dumps(field)}: {json.dumps(second)}}}".encode(), field)

    return spoil


def with_bytes(field: str, value: bytes) -> Spoil:
    """A field of bytes that are not UTF-8."""

    def spoil(good: Fields) -> Spoilt:
        body = encode(good | {field: "@@"}).replace(b"@@", b"Jos" + value, 1)
        return Spoilt(body, field)

    return spoil


def cut(percent: int) -> Spoil:
    def spoil(good: Fields) -> Spoilt:
        body = encode(good)
        return Spoilt(body[: 1 + percent * (len(body) - 2) // 100], "")

    return spoil


def whole(body: Callable[[Fields], bytes]) -> Spoil:
    """No field is at fault, but the whole."""
    return lambda good: Spoilt(body(good), "")


def literally(body: bytes) -> Spoil:
    """These bytes in place of a donation."""
    return lambda _good: Spoilt(body, "")


def nested(field: str, depth: int, brackets: tuple[str, str], is_closed: bool) -> Spoil:
    opening, closing = brackets
    literal = opening * depth + "1" + (closing * depth if is_closed else "")
    return put_literally(field, literal.encode())


def long(field: str, length: int) -> Spoil:
    return put(field, "x" * length)


def with_key(character: str) -> Spoil:
    """The name of a field cannot be stored; it is named with a question mark instead."""
    return lambda good: Spoilt(encode(good | {f"no{character}te": "x"}), "no?te")


def with_card(field: str, number: str, separator: str, around: tuple[str, str]) -> Spoil:
    """A card number as people write it; of it the last four digits may be kept."""
    shown = separator.join(number[start : start + 4] for start in range(0, len(number), 4))
    secret = Secret(shown, "*" * (len(shown) - 4) + shown[-4:])
    text = around[0] + shown + around[1]
    return lambda good: Spoilt(encode(good | {field: text}), field, secret)


def with_code(field: str, code: str) -> Spoil:
    """A card's security code, of which nothing may be kept."""
    secret = Secret(f'"{field}": "{code}"', f'"{field}": "{"*" * len(code)}"')
    return lambda good: Spoilt(encode(good | {field: code}), field, secret)


def with_card_in_junk(number: str) -> Spoil:
    """A card number in half a message."""

    def spoil(good: Fields) -> Spoilt:
        body = encode(good | {"comment": number})[:-1]
        return Spoilt(body, "", Secret(number, "*" * 12 + number[-4:]))

    return spoil
