"""The types of fields that only these messages have."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fundraising.fredge.messages.fields import MAX_SCORE, Integer, IpAddress, Score

score: TypeAdapter[Decimal | None] = TypeAdapter(Score)
address: TypeAdapter[str | None] = TypeAdapter(IpAddress)
integer: TypeAdapter[int | None] = TypeAdapter(Integer)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, "0"),
        ("0.10", "0.1"),
        (Decimal("150.43333333333334"), "150.433333"),
        (Decimal("3.4028234663852886e+38"), "100000000"),
        ("1E+300", "100000000"),
        ("-1e9", "-100000000"),
        (" 12.5 ", "12.5"),
        ("-0", "0"),
        (".5", "0.5"),
    ],
)
def test_score(value: Any, read: str) -> None:
    assert score.validate_python(value) == Decimal(read)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_a_score_fits_its_column(value: Decimal) -> None:
    read = score.validate_python(f"{value:e}")
    assert read is not None
    assert abs(read) <= MAX_SCORE
    assert read.as_tuple().exponent == -6


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8:0:0:0:0:0:0007", "2001:db8::7"),
        (" 2001:db8::7 ", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::1", "::1"),
    ],
)
def test_address(value: str, read: str) -> None:
    assert address.validate_python(value) == read


@pytest.mark.parametrize(("value", "read"), [("-480", -480), (24, 24), (" 1080", 1080)])
def test_integer(value: Any, read: int) -> None:
    assert integer.validate_python(value) == read


@pytest.mark.parametrize("blank", [None, False, "", "  "])
@pytest.mark.parametrize("field", [score, address, integer])
def test_blank(field: TypeAdapter[Any], blank: Any) -> None:
    assert field.validate_python(blank) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (score, "high"),
        (score, "NaN"),
        (score, "1_0"),
        (score, "1e9999"),
        (score, True),
        (score, [1]),
        (address, "198.51.100"),
        (address, "198.51.100.7, 203.0.113.1"),
        (address, "fe80::1%eth0"),
        (address, 3325256711),
        (integer, "12.5"),
        (integer, "9" * 19),
        (integer, {}),
    ],
)
def test_refused_without_the_value(field: TypeAdapter[Any], value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        field.validate_python(value)
    (error,) = refused.value.errors()
    assert error["msg"].startswith("Value error, is ")
    assert str(value) not in error["msg"]
