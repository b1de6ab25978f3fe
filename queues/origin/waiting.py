"""Waiting for servers."""

import operator
from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from queues.origin import Refused

#: Seconds. What needs no copy of all data is a matter of one or two.
PATIENCE = 30.0


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until something is so. Raises :class:`Refused`, saying what was not."""
    tries = Retrying(
        retry=retry_if_result(operator.not_),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(patience),
    )
    try:
        tries(condition)
    except RetryError as error:
        raise Refused(f"waited {patience:.0f} s, but not: {what}") from error
