"""When a recurring donation is charged next."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

# A trigger of this month that lies further ahead belongs to the cycle after the present one.
AHEAD = timedelta(days=7)
MONTHS = {"month": 1, "year": 12}


def cycle_day(start: datetime) -> int:
    """Day of month (UTC) on which a subscription that begins at ``start`` is charged."""
    return start.astimezone(UTC).day


def next_date(
    now: datetime, *, unit: str = "month", interval: int = 1, cycle_day: int | None = None
) -> datetime:
    """00:00 UTC of the next charge.

    ``unit`` is month or year, ``interval`` at least 1, ``cycle_day`` 1 to 31, cut to the
    length of the month (29 February included); without it the cycle starts from ``now``.
    Raises ValueError for others.
    """
    if unit not in MONTHS:
        raise ValueError("the unit of a schedule is month or year")
    if interval < 1:
        raise ValueError("the interval of a schedule is at least 1")
    if cycle_day is not None and not 1 <= cycle_day <= 31:
        raise ValueError("the cycle day is a day of month")
    present = now.astimezone(UTC)
    day = present.day if cycle_day is None else cycle_day
    trigger = _on_day(present.year, present.month, day)
    while trigger > present + AHEAD:
        trigger = _months_later(trigger, -1, day)
    return _months_later(trigger, MONTHS[unit] * interval, day)


def _on_day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, min(day, monthrange(year, month)[1]), tzinfo=UTC)


def _months_later(trigger: datetime, months: int, day: int) -> datetime:
    count = trigger.year * 12 + trigger.month - 1 + months
    return _on_day(count // 12, count % 12 + 1, day)
