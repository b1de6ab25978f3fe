"""A number that a transaction has which is not committed yet, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import transaction

from queues.sequences import next_id
from tests.pending.databases import (
    on_postgresql,
    postgresql,
    start,
    threads,
    wait_until_one_waits,
)

__all__ = ["on_postgresql", "postgresql", "threads"]

NAME = "contribution-tracking"

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]


def take() -> int:
    with transaction.atomic():
        return next_id(NAME)


@pytest.mark.parametrize(("committed", "then"), [(True, 3), (False, 2)])
def test_it_is_not_given_again(
    threads: ThreadPoolExecutor, frqueue: redis.Redis, *, committed: bool, then: int
) -> None:
    """Even where nothing else can be known: the server is the same, and the margin of no help."""
    assert take() == 1
    with transaction.atomic():
        assert next_id(NAME) == 2
        frqueue.set("sequence_contribution-tracking", 1)
        other = start(threads, take)
        wait_until_one_waits()
        transaction.set_rollback(not committed)
    assert other.result(30) == then
