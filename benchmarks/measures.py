"""What is measured, once a round each. Every function answers plain numbers."""

import json
import random
import time
from collections.abc import Iterator
from threading import Thread
from typing import cast

from benchmarks.databases import Commits, Database
from benchmarks.donations import QUEUE, message
from benchmarks.routes import NOTHING, START
from benchmarks.stand import PATIENCE, Stand
from benchmarks.tasks import PUSHED, STARTS

POLL_SECONDS = 0.01
WARM_UP = 20
LATENCY_RATE = 10.0
# Ten queues; their ten damaged ones come by themselves.
TEN_QUEUES = (
    QUEUE,
    "pending",
    "contribution-tracking",
    "recurring",
    "refund",
    "settle",
    "payments-init",
    "payments-antifraud",
    "upi-donations",
    START,
)
SETTLE_SECONDS = 5.0
PICK_UPS = 20
# The child that a pick-up finds must have been idle, and not in step with any timer.
PICK_UP_PAUSE = (0.2, 0.8)


def rate(commits: Commits) -> float:
    """Messages a second from the first commit to the last.

    What the first commit itself brought was worked on before the clock started.
    """
    first, last = min(commits.values()), max(commits.values())
    return sum(moment > first for moment in commits.values()) / (last - first)


def delivery_rate(stand: Stand, database: Database, count: int, group: int) -> float:
    """Messages a second through the transport and a worker whose task does nothing."""
    stand.redis.flushall()
    stand.push(NOTHING, (message(number) for number in stand.take(count)))
    with stand.worker(database, (NOTHING,), group):
        samples = _samples(stand, count, group)
        first_done, first = next((done, now) for now, done in samples if done)
        last = max(now for now, _ in samples)
    return (count - first_done) / (last - first)


def _samples(stand: Stand, count: int, group: int) -> Iterator[tuple[float, int]]:
    """When how many messages were acknowledged, until all are."""
    deadline = time.monotonic() + PATIENCE
    done = 0
    while done < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{done} of {count} deliveries, see {stand.log}")
        time.sleep(POLL_SECONDS)
        waiting, reserved = stand.left(NOTHING)
        done = count if not (waiting or reserved) else max(count - waiting - reserved * group, 0)
        yield time.monotonic(), done


def latencies(stand: Stand, database: Database, seconds: float) -> list[float]:
    """Seconds from push to commit, at ten messages a second that come at random moments."""
    stand.redis.flushall()
    before = database.newest()
    with stand.worker(database):
        stand.push(QUEUE, map(message, stand.take(WARM_UP)))
        database.commits(before, WARM_UP, PATIENCE)
        time.sleep(1)
        numbers = stand.take(round(seconds * LATENCY_RATE))
        with stand.observed(database, len(numbers)) as observed:
            pushed = {}
            for number in numbers:
                time.sleep(random.expovariate(LATENCY_RATE))
                body = message(number)
                pushed[f"{number}.1"] = time.time()
                stand.redis.rpush(QUEUE, body)
    return [observed.commits[order_id] - moment for order_id, moment in pushed.items()]


def idle(stand: Stand, database: Database, seconds: float) -> tuple[float, list[float]]:
    """A worker on ten queues: its share of a core while idle; seconds from push to task start."""
    stand.redis.flushall()
    with stand.worker(database, TEN_QUEUES) as worker:
        for _ in range(WARM_UP):
            _pick_up(stand)
        time.sleep(SETTLE_SECONDS)
        before, begun = worker.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        share = (worker.cpu_seconds() - before) / (time.monotonic() - begun)
        waits = []
        for _ in range(PICK_UPS):
            time.sleep(random.uniform(*PICK_UP_PAUSE))
            waits.append(_pick_up(stand))
    return share, waits


def _pick_up(stand: Stand) -> float:
    stand.redis.rpush(START, json.dumps({PUSHED: time.time()}))
    answer = cast("list[bytes] | None", stand.redis.blpop([STARTS], timeout=PATIENCE))
    if answer is None:
        raise TimeoutError(f"a task does not start, see {stand.log}")
    return float(answer[1])


def recovery(stand: Stand, database: Database, count: int) -> float:
    """Seconds from a kill -9 of a worker under load until another has committed everything.

    The rest of the backlog is soon done; what lasts is the lease of what the dead one held.
    """
    stand.redis.flushall()
    before = database.newest()
    stand.push(QUEUE, map(message, stand.take(count)))
    with stand.worker(database) as victim:
        while database.count(before) < count // 4:
            time.sleep(POLL_SECONDS)
        victim.kill()
        killed = time.time()
        if not stand.left(QUEUE)[1]:
            raise RuntimeError("the worker held nothing when it was killed")
    with stand.worker(database):
        commits = database.commits(before, count, PATIENCE)
    return max(commits.values()) - killed


def wake(stand: Stand) -> list[float]:
    """Seconds from push to receipt by a bare client that waits in BLPOP."""
    waits: list[float] = []

    def receive() -> None:
        with stand.client() as client:
            for _ in range(PICK_UPS):
                answer = cast("list[bytes] | None", client.blpop([STARTS], timeout=PATIENCE))
                if answer is not None:
                    waits.append(time.time() - float(answer[1]))

    receiver = Thread(target=receive)
    receiver.start()
    for _ in range(PICK_UPS):
        time.sleep(random.uniform(0.01, 0.05))
        stand.redis.rpush(STARTS, time.time())
    receiver.join()
    return waits
