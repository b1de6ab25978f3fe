from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm import timestamps

DEFAULT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LAST = int(timestamps.LATEST.timestamp()) - 1
MOMENTS = st.integers(0, LAST).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@pytest.mark.parametrize(
    ("wire", "iso"),
    [
        (1795167973, "2026-11-20T09:46:13"),
        ("1795167973", "2026-11-20T09:46:13"),
        (" 1795167973 ", "2026-11-20T09:46:13"),
        ("@1795167973.4567", "2026-11-20T09:46:13"),
        ("1795167973.9", "2026-11-20T09:46:13"),
        (Decimal("1795167973.9"), "2026-11-20T09:46:13"),
        (1234567, "1970-01-15T06:56:07"),
        (0, "1970-01-01T00:00:00"),
        ("20190322114558", "2019-03-22T11:45:58"),
        ("2019-03-22 11:45:58", "2019-03-22T11:45:58"),
        ("2019-03-22T11:45:58Z", "2019-03-22T11:45:58"),
        ("2019-03-22T12:45:58+01:00", "2019-03-22T11:45:58"),
        ("2019-03-22 11:45:58 UTC", "2019-03-22T11:45:58"),
        ("2019-03-22", "2019-03-22T00:00:00"),
        ("2019/03/22 11:45:58", "2019-03-22T11:45:58"),
        ("Fri, 22 Mar 2019 11:45:58 GMT", "2019-03-22T11:45:58"),
        ("11:45:58 Mar 22, 2019 PDT", "2019-03-22T18:45:58"),
        ("11:45:58 Dec 22, 2019 PST", "2019-12-22T19:45:58"),
        (datetime(2019, 3, 22, tzinfo=UTC), "2019-03-22T00:00:00"),
    ],
)
def test_every_form_on_the_wire_is_utc(wire: object, iso: str) -> None:
    assert timestamps.parse(wire, "date", DEFAULT) == datetime.fromisoformat(f"{iso}+00:00")


@pytest.mark.parametrize("wire", ["", "  ", None, False])
def test_an_empty_date_is_the_default(wire: object) -> None:
    assert timestamps.parse(wire, "date", DEFAULT) is DEFAULT


@pytest.mark.parametrize(
    "wire",
    [
        "tomorrow",
        "2019-02-30",
        "00000000000000",
        -1,
        "-1",
        10**13,
        "9" * 20,
        10**30,
        Decimal("NaN"),
        Decimal("1e30"),
        True,
        [],
        {"date": 1},
        "1999-01-01T00:00:00+99:00",
        "0001-01-01T00:00:00+23:00",
        "x" * 1000,
        "@",
    ],
)
def test_what_is_no_date_is_refused_by_the_name_of_its_field(wire: object) -> None:
    with pytest.raises(timestamps.InvalidTimestamp, match=r"^start_date ") as error:
        timestamps.parse(wire, "start_date", DEFAULT)
    assert str(wire) not in str(error.value).removeprefix("start_date")


@given(MOMENTS)
def test_a_moment_survives_every_form(moment: datetime) -> None:
    seconds = int(moment.timestamp())
    for wire in (
        seconds,
        str(seconds),
        f"@{seconds}.5",
        moment.isoformat(),
        f"{moment:%Y%m%d%H%M%S}",
    ):
        assert timestamps.parse(wire, "date", DEFAULT) == moment


@given(st.text(max_size=70) | st.integers() | st.decimals())
def test_anything_is_an_aware_moment_in_bounds_or_refused(wire: object) -> None:
    try:
        moment = timestamps.parse(wire, "date", DEFAULT)
    except timestamps.InvalidTimestamp:
        return
    assert moment.utcoffset() == DEFAULT.utcoffset()
    assert timestamps.EARLIEST <= moment < timestamps.LATEST
