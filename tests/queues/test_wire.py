"""Strict reading of messages."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues import wire
from queues.outcomes import Damaged

LIMIT = 10_000

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(-(10**9), 10**9, places=3)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_what_is_written_reads_the_same(message: dict[str, wire.Json]) -> None:
    for indent in (None, 2):
        text = wire.dumps(message, indent=indent)
        assert wire.parse(text.encode(), 10**6) == message
        json.loads(text)


def test_numbers_keep_their_digits() -> None:
    message = wire.parse(b'{"gross": 12.10, "big": 9007199254740993}', LIMIT)
    assert message == {"gross": Decimal("12.10"), "big": 9007199254740993}
    assert str(message["gross"]) == "12.10"


@pytest.mark.parametrize(
    ("body", "field", "fault"),
    [
        (b"", "", "not JSON"),
        (b"hello", "", "not JSON"),
        (b"[1]", "", "not a JSON object"),
        (b'"text"', "", "not a JSON object"),
        (b"null", "", "not a JSON object"),
        (b'{"a": "\xe9"}', "a", "not UTF-8 at byte 7"),
        (b'{"b": 1, "a": "line\nline"}', "a", "Invalid control character at character 19"),
        (b'{"b": 1, "\xe9', "", "not UTF-8 at byte 10"),
        (b'{"gross": NaN}', "gross", "NaN"),
        (b'{"scores": [1, -Infinity]}', "scores", "-Infinity"),
        (b'{"gross": 1, "gross": 2}', "gross", "twice"),
        (b'{"gross": 1e400}', "gross", "digits"),
        (b'{"gross": ' + b"9" * 100 + b"}", "gross", "characters"),
        (b'{"name": "\\u0000"}', "name", "NUL"),
        (b'{"name": ["\\ud800"]}', "name", "surrogate"),
        (b'{"x": 1, "deep": ' + b"[" * 4000 + b"]" * 4000 + b"}", "deep", "nested"),
        (b'{"x": 1, "deep": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}", "deep", "nested"),
        (b'{"x": 1, "note": "' + b"a" * LIMIT + b'"}', "note", "bytes"),
    ],
)
def test_refusals_name_the_field_and_its_fault(body: bytes, field: str, fault: str) -> None:
    with pytest.raises(Damaged) as refusal:
        wire.parse(body, LIMIT)
    assert refusal.value.code == "INVALID_JSON"
    assert refusal.value.field == field
    assert fault in refusal.value.text


def test_brackets_in_text_are_not_depth() -> None:
    assert wire.parse(json.dumps({"note": "[{" * 100}).encode(), LIMIT) == {"note": "[{" * 100}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        assert isinstance(wire.parse(body, LIMIT), dict)
    except Damaged as refusal:
        assert refusal.text
