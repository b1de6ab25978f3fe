"""A replica that lacks the last numbers takes over, again and again: no number is used twice.

    pytest -m proof tests/proofs/test_sequences.py -s

SEQUENCE_FAILOVERS (10, in CI 3) says how often. Processes take numbers as consumers do, front ends
take them from Redis directly and some of theirs are imported. A replica stops following, more are
taken, the origin is killed, and the replica answers in its place.
"""

# ruff: noqa: T201  the figures
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest
import redis
from django.core.management import call_command
from pytest_django.fixtures import Settings

from fundraising.tracking.models import ContributionTracking
from queues import instances, sequences
from queues.models import SequenceGuard
from tests.proofs import books
from tests.servers import Server, Valkey
from tests.workers import ROOT, Stand, wait_for

FAILOVERS = books.size("SEQUENCE_FAILOVERS", whole=10, short=3)
NAME = "contribution-tracking"
KEY = sequences.key(NAME)
TAKERS = 3

pytestmark = [pytest.mark.proof, pytest.mark.timeout(120 + 60 * FAILOVERS)]


@pytest.fixture(autouse=True)
def same_instances(stand: Stand, settings: Settings) -> Iterator[None]:
    """The stand's Redis is this process's too."""
    settings.REDIS_INSTANCES = {"frqueue": stand.broker.url}
    instances.client.cache_clear()
    yield
    instances.client.cache_clear()


class Takers:
    """Processes that take numbers until they are killed."""

    def __init__(self, stand: Stand, directory: Path) -> None:
        environment = {**stand.environment, "DJANGO_SETTINGS_MODULE": "fundraising.settings"}
        command = [sys.executable, "-m", "tests.proofs.taker"]
        self._outputs = [directory / f"taker-{number}" for number in range(TAKERS)]
        self._processes = []
        for path in self._outputs:
            with path.open("wb") as output:
                self._processes.append(
                    subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output)
                )

    def taken(self) -> list[list[int]]:
        """What each has taken and used, in order."""
        lines = [path.read_bytes().split(b"\n")[:-1] for path in self._outputs]
        return [[int(line) for line in words] for words in lines]

    def go_on(self) -> None:
        """Wait until each has taken some more."""
        before = [len(numbers) for numbers in self.taken()]
        wait_for(
            lambda: all(len(now) >= was + 5 for now, was in zip(self.taken(), before, strict=True)),
            "all take numbers",
        )

    def signal(self, number: int) -> None:
        """Send all a signal."""
        for process in self._processes:
            process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def replica_of(origin: Server) -> Valkey:
    """In step with it, its data on disk."""
    replica = Valkey(appendfsync="always").start()
    client = replica.client()
    client.replicaof("127.0.0.1", origin.port)

    def is_in_step() -> bool:
        info = client.info()
        return info["master_link_status"] == "up" and not (
            info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]
        )

    wait_for(is_in_step, "the replica is in step")
    return replica


def fail_over(stand: Stand, replica: Server) -> None:
    """Kill the origin and let the replica, which lacks numbers, answer at its address."""
    replica.kill9()
    stand.broker.kill9()
    shutil.rmtree(stand.broker.data_dir)
    stand.broker.data_dir = replica.data_dir
    stand.broker.start()
    stand.forget_connection()


def import_visits(numbers: Sequence[int]) -> None:
    """What front ends pushed about visits arrives. Raises IntegrityError for a used number."""
    ContributionTracking.objects.bulk_create(ContributionTracking(id=one) for one in numbers)


def of_front_ends(client: redis.Redis, count: int) -> list[int]:
    return [int(client.incr(KEY)) for _ in range(count)]


def test_no_number_is_used_twice(stand: Stand, tmp_path: Path) -> None:
    front_ends: list[int] = []
    with Takers(stand, tmp_path) as takers:
        takers.go_on()
        for failover in range(FAILOVERS):
            are_used = failover % 2 == 0
            if not are_used:
                # What the replica lacks are numbers of front ends only, of which nobody knows yet.
                takers.signal(signal.SIGSTOP)
            replica = replica_of(stand.broker)
            front_ends += of_front_ends(stand.redis, 20)
            wait_for(lambda: replica.client().get(KEY) == stand.redis.get(KEY), "replicated")  # noqa: B023
            replica.client().replicaof("NO", "ONE")
            lost = of_front_ends(stand.redis, 50)
            front_ends += lost
            if are_used:
                import_visits(lost)
                takers.go_on()
            fail_over(stand, replica)
            if are_used:
                assert sequences.state(NAME).behind > 0
                call_command("check_sequence", "--repair")
            takers.signal(signal.SIGCONT)
            takers.go_on()
            if not are_used:
                import_visits(lost)
        ours = [number for numbers in takers.taken() for number in numbers]
    print(f"\n{FAILOVERS} failovers: {len(ours)} numbers of ours, {len(front_ends)} of front ends")
    assert len(set(ours + front_ends)) == len(ours) + len(front_ends)


def test_a_worker_checks_whenever_it_connects(stand: Stand) -> None:
    """No beat runs here. Of a server that lost all the counter is raised before anybody asks."""
    stand.redis.set(KEY, 5_000_000)
    with stand.worker() as worker:
        assert SequenceGuard.objects.get().counter == 5_000_000
        stand.broker.kill9()
        shutil.rmtree(stand.broker.data_dir / "appendonlydir")
        stand.broker.start()
        stand.forget_connection()
        wait_for(lambda: int(stand.redis.get(KEY) or 0) > 5_000_000, "the counter is raised")
        assert worker.is_alive()
