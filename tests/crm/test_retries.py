"""When a recurring contribution that could not be charged is tried again, and when not."""

from datetime import UTC, datetime, timedelta

import pytest

from fundraising.crm.recurring import retries

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_each_failure_waits_for_the_next_day_of_the_cadence() -> None:
    waits = [retries.next_try(count, NOON, "3,7,14") - NOON for count in (1, 2, 3)]
    assert waits == [timedelta(days=days) for days in (3, 4, 7)]


@pytest.mark.parametrize(
    ("failures", "is_final", "reason"),
    [
        (1, False, ""),
        (2, False, ""),
        (3, False, retries.TOO_MANY),
        (1, True, retries.NOT_RETRYABLE),
    ],
)
def test_when_it_ends(failures: int, is_final: bool, reason: str) -> None:
    assert retries.reason_to_end(failures, "1,2", is_final=is_final) == reason


@pytest.mark.parametrize("cadence", ["", "2,1", "1,1", "0,1", "1,29", "1;2"])
def test_what_is_no_cadence(cadence: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        retries.days(cadence)
