from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.recurring import schedule

MOMENTS = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("now", "day", "unit", "interval", "expected"),
    [
        ("2026-11-21T10:00", 21, "month", 1, "2026-12-21"),
        ("2026-11-21T10:00", 15, "month", 1, "2026-12-15"),
        # Up to seven days ahead counts as charged already.
        ("2026-11-21T10:00", 28, "month", 1, "2026-12-28"),
        # 28 November 00:00 is less than 7 days after the 21st at 10:00, the 29th is more.
        ("2026-11-21T10:00", 29, "month", 1, "2026-11-29"),
        ("2026-01-31T10:00", 31, "month", 1, "2026-02-28"),
        ("2028-01-31T10:00", 31, "month", 1, "2028-02-29"),
        ("2028-01-29T10:00", 29, "month", 1, "2028-02-29"),
        ("2028-02-29T10:00", 29, "year", 1, "2029-02-28"),
        ("2026-11-21T10:00", 21, "year", 1, "2027-11-21"),
        ("2026-11-21T10:00", 21, "month", 3, "2027-02-21"),
        ("2026-12-31T23:59", None, "month", 1, "2027-01-31"),
    ],
)
def test_next_date(now: str, day: int | None, unit: str, interval: int, expected: str) -> None:
    found = schedule.next_date(_at(now), unit=unit, interval=interval, cycle_day=day)
    assert found == _at(f"{expected}T00:00")


@given(MOMENTS, st.integers(1, 31))
def test_the_next_month_falls_on_the_cycle_day_within_a_month_and_a_week(
    now: datetime, day: int
) -> None:
    found = schedule.next_date(now, cycle_day=day)
    assert now < found <= now + timedelta(days=31 + 7)
    assert found.day == min(day, monthrange(found.year, found.month)[1])
    assert (found.hour, found.minute, found.second, found.microsecond) == (0, 0, 0, 0)


@given(MOMENTS, st.integers(1, 31), st.integers(1, 24))
def test_a_year_is_twelve_months(now: datetime, day: int, interval: int) -> None:
    years = schedule.next_date(now, unit="year", interval=interval, cycle_day=day)
    months = schedule.next_date(now, interval=12 * interval, cycle_day=day)
    assert years == months


@pytest.mark.parametrize(
    ("unit", "interval", "day"), [("week", 1, 1), ("month", 0, 1), ("year", 1, 32)]
)
def test_no_other_cycles_exist(unit: str, interval: int, day: int) -> None:
    with pytest.raises(ValueError, match=r"schedule|cycle day"):
        schedule.next_date(_at("2026-11-21T10:00"), unit=unit, interval=interval, cycle_day=day)


def test_the_cycle_day_is_that_of_utc() -> None:
    late = datetime(2026, 11, 20, 23, tzinfo=timezone(timedelta(hours=-5)))
    assert schedule.cycle_day(late) == 21
