"""What follows when a recurring contribution could not be charged: another try, or its end.

Plain rules, domain section 8.5. A cadence is the days after the first failure on which it
is tried again, such as ``1,2``.
"""

from datetime import datetime, timedelta
from itertools import pairwise

MOST_DAYS = 28

NOT_RETRYABLE = "(auto) un-retryable card decline reason code"
TOO_MANY = "(auto) maximum failures reached"


def days(cadence: str) -> list[int]:
    """The days of a cadence. Raises ValueError unless they grow, from 1 up to 28."""
    numbers = [int(text) for text in cadence.split(",")]
    if not all(0 < before < after for before, after in pairwise([*numbers, MOST_DAYS + 1])):
        raise ValueError(f"a cadence is of growing days, at most {MOST_DAYS}")
    return numbers


def reason_to_end(failures: int, cadence: str, *, is_final: bool) -> str:
    """Why the ``failures``-th failure ends it; empty when it is tried again.

    ``is_final``: the processor says that it will never succeed.
    """
    if is_final:
        return NOT_RETRYABLE
    return TOO_MANY if failures > len(days(cadence)) else ""


def next_try(failures: int, at: datetime, cadence: str) -> datetime:
    """When to try again after the ``failures``-th failure (from 1), which happened ``at``."""
    waits = [0, *days(cadence)]
    return at + timedelta(days=waits[failures] - waits[failures - 1])
