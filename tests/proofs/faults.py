"""Malformed donations: every kind of fault that the schema of a donation allows for.

Each is made of a good donation with ids of its own, so that what became of it can be told; which
fields, values and places are spoilt, hypothesis chooses, the same at every run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fundraising.crm.messages.donations import REQUIRED
from fundraising.crm.messages.fields import MAX_TEXT
from queues import cards
from tests.proofs import books
from tests.proofs.fields import (
    ALL,
    AMOUNTS,
    CURRENCIES,
    EXTRAS,
    FLAGS,
    LIMITS,
    MOMENTS,
    NUMBERS,
    TEXTS,
)
from tests.proofs.spoiling import (
    ABSENT,
    Spoil,
    Spoilt,
    cut,
    encode,
    literally,
    long,
    nested,
    put,
    put_literally,
    whole,
    with_bytes,
    with_card,
    with_card_in_junk,
    with_code,
    with_duplicate,
    with_key,
    without,
)

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Fault:
    """A malformed donation."""

    kind: str
    spoilt: Spoilt
    donation: Mapping[str, Any]


def faults(each: int) -> list[Fault]:
    """At least ``each`` of every kind, except for those that have fewer forms."""
    found: dict[bytes, Fault] = {}
    for kind, strategy in KINDS.items():
        for spoil in _examples(strategy, each if kind not in _LARGE else 3):
            donation = books.donation()
            spoilt = spoil(dict(donation))
            found.setdefault(spoilt.body, Fault(kind, spoilt, donation))
    return list(found.values())


def _examples(strategy: SearchStrategy[Spoil], count: int) -> list[Spoil]:
    found: list[Spoil] = []

    @seed(20_261_121)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(spoil: Spoil) -> None:
        found.append(spoil)

    collect()
    return found


def _among(fields: Sequence[str], values: SearchStrategy[Any]) -> SearchStrategy[Spoil]:
    return st.builds(put, st.sampled_from(fields), values)


def _too_long(field: str, excess: int) -> Spoil:
    return put(field, "x" * (LIMITS.get(field, MAX_TEXT) + excess))


def _surrounded(character: str) -> str:
    return f"Ana{character}Maria"


def _luhn(start: str) -> str:
    """The card number that begins like this."""
    return next(start + digit for digit in "0123456789" if cards.luhn(start + digit))


_CARDS = st.builds(
    lambda first, rest: _luhn(f"{first}{rest:014d}"),
    st.sampled_from("456"),
    st.integers(0, 10**14 - 1),
)
_TEXTS = st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=12)
_OBJECTS = st.one_of(
    st.just(True),
    st.lists(st.integers(0, 99), min_size=1, max_size=3),
    st.dictionaries(_TEXTS, st.integers(0, 99), max_size=3),
)
_CONTROLS = st.sampled_from([chr(code) for code in (*range(1, 9), *range(14, 32), 127)])
_HALVES = st.integers(0xD800, 0xDFFF).map(chr)
_DIGITS = st.text("123456789", min_size=1)

KINDS: dict[str, SearchStrategy[Spoil]] = {
    "required field absent": st.builds(
        without, st.sampled_from([*REQUIRED, "payment_method"]), st.just(ABSENT)
    ),
    "required field empty": st.builds(
        without,
        st.sampled_from([*REQUIRED, "payment_method"]),
        st.sampled_from(["", " ", "\t", None, False]),
    ),
    "text of a wrong type": _among(TEXTS, _OBJECTS),
    "amount of a wrong type": _among(AMOUNTS, _OBJECTS),
    "currency of a wrong type": _among(CURRENCIES, _OBJECTS | st.integers(1, 999)),
    "date of a wrong type": _among(MOMENTS, _OBJECTS),
    "number of a wrong type": _among(NUMBERS, _OBJECTS),
    "flag of a wrong type": _among(
        FLAGS, st.lists(st.just(1), min_size=1) | st.dictionaries(_TEXTS, st.just(1))
    ),
    "envelope of a wrong type": st.builds(
        put,
        st.sampled_from(["message_id", "source_name", "source_host", "source_enqueued_time"]),
        st.lists(st.integers(0, 9), min_size=1) | st.dictionaries(_TEXTS, st.just(1)),
    ),
    "amount that is no number": _among(
        AMOUNTS,
        st.sampled_from(["1,50", "1.2.3", "--5", "1e5", "€5", "0x1F", "١٢", "5 000", "1,00,00"])
        | _TEXTS,
    ),
    "absurd amount": _among(
        AMOUNTS,
        (st.integers(10**14, 10**39) | st.integers(10**14, 10**60).map(str)).filter(
            lambda number: not cards.luhn(str(number))  # what looks like a card number is masked
        ),
    ),
    "amount of endless digits": st.builds(
        put_literally,
        st.sampled_from(AMOUNTS),
        st.sampled_from([b"1e999", b"1e-999", b"9" * 5000, b"0." + b"3" * 5000]),
    ),
    "NaN or infinity": st.builds(
        put,
        st.sampled_from([*ALL, *EXTRAS]),
        st.sampled_from([float("nan"), float("inf"), -float("inf")]),
    ),
    "amount that is not positive": st.one_of(
        _among(["gross", "net"], st.sampled_from(["0", "0.001", "-5.00", 0, -1])),
        st.builds(lambda fee: put("fee", fee), st.just("12.00")).map(
            lambda _: lambda good: Spoilt(encode(good | {"fee": "13.00"}), "net")
        ),
    ),
    "no currency code": _among(
        CURRENCIES, st.sampled_from(["EURO", "E", "€€€", "12", "US$", "U SD"])
    ),
    "unknown currency": st.builds(put, st.just("currency"), st.sampled_from(["XQQ", "ZZZ", "QQX"])),
    "no date": _among(
        MOMENTS, st.sampled_from(["2026-13-45", "yesterday", "31/12/2025", "2026-02-30"]) | _TEXTS
    ),
    "date of another age": _among(
        MOMENTS,
        st.sampled_from([1772366400000, "1772366400000", -1, "1969-12-31", "2100-01-01"])
        | st.integers(4_102_444_800, 10**30),
    ),
    "no whole number": _among(
        NUMBERS, st.sampled_from(["-1", "1.5", "abc", -1, "1" * 19, "0x1F", "1 000", "२"])
    ),
    "neither true nor false": _among(
        FLAGS, st.sampled_from(["maybe", "2", 2, "nope", "-1", "truefalse"])
    ),
    "text too long": st.builds(
        _too_long, st.sampled_from([*LIMITS, *EXTRAS]), st.integers(1, 1000)
    ),
    "message_id too long": st.builds(long, st.just("message_id"), st.integers(65, 300)),
    "control character": _among([*TEXTS, *EXTRAS], _CONTROLS.map(_surrounded)),
    "control character deep in": _among(
        EXTRAS, _CONTROLS.map(lambda one: {"a": [{"b": one + "x"}]})
    ),
    "control character not escaped": st.builds(
        lambda field, code: put_literally(field, b'"Ana' + bytes([code]) + b'"'),
        st.sampled_from(TEXTS),
        st.integers(0, 31),
    ),
    "NUL": _among([*ALL, *EXTRAS], st.just(_surrounded("\0"))),
    "half a surrogate pair": _among([*ALL, *EXTRAS], _HALVES.map(_surrounded)),
    "name of a field that nothing stores": st.builds(with_key, st.just("\0") | _HALVES),
    "field twice": st.builds(
        with_duplicate, st.sampled_from([*ALL, *EXTRAS]), st.sampled_from(["1", None, 1, []])
    ),
    "deep nesting": st.builds(
        nested,
        st.sampled_from([*ALL, *EXTRAS]),
        st.integers(40, 20_000),
        st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"b":', "}]")]),
        st.booleans(),
    ),
    "10 MB": st.builds(long, st.sampled_from([*TEXTS, *EXTRAS]), st.just(10 * 1000**2)),
    "more than 1 MiB": st.builds(
        long, st.sampled_from([*ALL, *EXTRAS]), st.integers(MEBIBYTE, MEBIBYTE + 999)
    ),
    "card number": st.builds(
        with_card,
        st.sampled_from(["first_name", "street_address", "phone", "order_id", *EXTRAS]),
        _CARDS,
        st.sampled_from(["", " ", "-"]),
        st.sampled_from([("", ""), ("card ", ""), ("no. ", ", thanks")]),
    ),
    "card number in what cannot be read": st.builds(with_card_in_junk, _CARDS),
    "security code": st.builds(
        with_code,
        st.sampled_from(["cvv", "CVC", "cvv2", "security_code", "card_security_code"]),
        st.integers(0, 9999).map("{:04}".format),
    ),
    "bytes that are not UTF-8": st.builds(
        with_bytes,
        st.sampled_from([*TEXTS, *EXTRAS]),
        st.sampled_from([b"\xe9", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"]),
    ),
    "half a message": st.builds(cut, st.integers(0, 99)),
    "no JSON": st.sampled_from(
        [
            lambda good: repr(good).encode(),
            lambda good: encode(good) + b"}",
            lambda good: encode(good) * 2,
            lambda good: encode(good)[:-1] + b",}",
            lambda good: b"\xef\xbb\xbf" + encode(good),
            lambda good: encode(good).decode().encode("utf-16"),
            lambda good: encode(good).replace(b'"', b"'"),
            lambda good: f"donation {good['order_id']}".encode(),
        ]
    ).map(whole)
    | st.sampled_from([b'a:1:{s:5:"gross";s:5:"12.00";}', b"", b" \n", b"\0" * 64]).map(literally),
    "no object": st.sampled_from(
        [
            lambda good: json.dumps([good]).encode(),
            lambda good: json.dumps(json.dumps(good)).encode(),
            lambda good: good["order_id"].encode(),
        ]
    ).map(whole)
    | st.sampled_from([b"null", b"true", b"[]"]).map(literally),
    "no donation": st.sampled_from(
        [
            put("type", "refund"),
            put("type", "chargeback"),
            put("is_daf", "1"),
            put("is_matching_gift", True),
            put("gateway", "chariot"),
        ]
    ),
    "words of no list": st.sampled_from(
        [
            put("financial_type_id", "Bribe"),
            put("contribution_status_id", "Perhaps"),
            put("payment_method", "beads"),
        ]
    ),
    "ids that are none": st.sampled_from(
        [
            put("gateway", "Ad yen!"),
            put("gateway", "refund"),
            put("gateway", "é"),
            put("gateway_txn_id", "two words"),
            put("gateway_txn_id", "tab\tbed"),
            put("recipient_id", "nobody"),
        ]
    ),
    "subscription that makes no sense": st.sampled_from(
        [
            put("frequency_unit", "fortnight", recurring="1", subscr_id="S1"),
            put("frequency_interval", "2", recurring="1", subscr_id="S1"),
            put("installments", "12", recurring="1", subscr_id="S1"),
            put("subscr_id", "", recurring="1"),
            put("contribution_recur_id", "999999999"),
            put("contribution_recur_id", "that one"),
        ]
    ),
}

_LARGE = frozenset({"10 MB", "more than 1 MiB"})
