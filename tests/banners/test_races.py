"""Workers with the banners of one visit at the same moment, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import transaction

from tests.banners.test_banner_history import LOG_ID, seen, stored, visit
from tests.deliveries import Told, tell
from tests.pending.databases import start, wait_until_one_waits

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]


@pytest.mark.parametrize("told", [(seen(), visit()), (visit(), seen()), (visit(), visit())])
@pytest.mark.parametrize("pushed", [(1, 2), (2, 1)])
def test_one_association_told_by_the_first(
    frqueue: redis.Redis,
    threads: ThreadPoolExecutor,
    told: tuple[Told, Told],
    pushed: tuple[int, int],
) -> None:
    first, second = (
        (queue, {**message, "source_enqueued_time": at, "message_id": f"pushed{at}"})
        for (queue, message), at in zip(told, pushed, strict=True)
    )
    with transaction.atomic():
        assert not tell(frqueue, [[first]])
        late = start(threads, tell, frqueue, [[second]])
        wait_until_one_waits()
    assert not late.result(30)
    ((log_id, number, message_id, _),) = stored()
    assert (log_id, number, message_id) == (LOG_ID, 119223, "pushed1")
