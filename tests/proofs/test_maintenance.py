"""Maintenance windows around real restarts of Redis under load, and outages without one.

    pytest -m proof tests/proofs/test_maintenance.py -s

MAINTENANCE_IMPORTS (1500, in CI 150) says how many donations are imported before and after.
"""

# ruff: noqa: T201  the figures
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from fundraising.crm.models import Contribution
from queues import draining, reserved
from queues.celery import PERIODIC_QUEUE
from queues.models import DamagedMessage, InboxMark, OutboxMessage
from tests.proofs import books
from tests.proofs.databases import CrashingPostgreSQL
from tests.proofs.windows import (
    Persistent,
    Staff,
    Timeline,
    Watch,
    begin,
    command,
    end,
    enqueued,
    push_by_outbox,
    seen,
    set_aside,
)
from tests.workers import Stand, sqlite_stand, wait_for

IMPORTS = books.size("MAINTENANCE_IMPORTS", whole=1500, short=150)

NOT_DRAINED, OPEN = 3, 4

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


@pytest.fixture
def place(stand: Stand, settings: Settings) -> Iterator[Stand]:
    with seen(stand, settings) as place:
        yield place


@pytest.fixture
def sqlite_place(
    tmp_path: Path, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stand]:
    with django_db_blocker.unblock(), sqlite_stand(tmp_path) as stand, seen(stand, settings):
        yield stand


@pytest.fixture
def postgresql_place(postgresql_only: Stand, settings: Settings) -> Iterator[Stand]:
    with seen(postgresql_only, settings) as place:
        yield place


def wait_for_workers(name: str, count: int) -> None:
    """Until so many answer, which are then connected."""
    wait_for(lambda: len(draining.workers(name) or {}) == count, f"{count} workers of {name}")


def wait_for_imports(more: int) -> None:
    before = Contribution.objects.count()
    wait_for(lambda: Contribution.objects.count() >= before + more, f"{more} imports", 120)


def test_a_window_around_a_restart_of_redis_under_load(place: Stand) -> None:
    stand, times, staff = place, Timeline(), Staff()
    sent_again, posted = books.donation(), books.donation()
    row = set_aside(sent_again)
    with (
        stand.worker() as one,
        stand.worker_with_beat() as other,
        stand.donor_prefs_worker() as prefs,
        Persistent(stand) as producer,
    ):
        wait_for_imports(IMPORTS)
        times.note("begin")
        begin(stand)
        with Watch(stand.broker) as watch:
            marks, periodic = InboxMark.objects.count(), stand.redis.llen(PERIODIC_QUEUE)
            times.note(f"drained; {marks} messages had their effect")
            before = enqueued()
            assert staff.send_again(row) == 503
            assert enqueued() == before

            stand.broker.stop()
            times.note("Redis stopped")
            wait_for(lambda: producer.refused > 30, "producers are refused")
            push_by_outbox(posted)
            assert staff.send_again(row) == 503
            stand.broker.start()
            stand.forget_connection()
            times.note(f"Redis started; {producer.refused} pushes were refused meanwhile")

            waiting = stand.redis.llen(books.QUEUE)
            with stand.worker() as late:
                wait_for_workers("frqueue", 3)
                wait_for_workers("donor-prefs", 1)
                times.note("all workers, and one that is new, are connected")
                wait_for(lambda: stand.redis.llen(books.QUEUE) > waiting, "producers go on")
                assert staff.send_again(row) == 503
                status, output = command(stand, "status")
                assert status == OPEN, output
                assert InboxMark.objects.count() == marks
                assert stand.redis.llen(PERIODIC_QUEUE) == periodic
                assert OutboxMessage.objects.filter(message_id=posted["message_id"]).exists()
                watch.end()
                assert (watch.without_key, watch.reserved) == (0, set())
                backlog = stand.redis.llen(books.QUEUE)
                end(stand)
                times.note(f"end; {backlog} donations waited")
                wait_for(lambda: InboxMark.objects.count() > marks, "workers go on")
                times.note("the first of them is imported")
                caught_up = lambda: stand.redis.llen(books.QUEUE) < 20  # noqa: E731
                wait_for(caught_up, "workers catch up", 120)
                times.note("caught up")
                assert staff.send_again(row) == 302
                wait_for_imports(IMPORTS)
                producer.end()
                books.wait_until_settled(stand, 120)
                times.note("all is imported, the outbox is empty")
                assert all(worker.is_alive() for worker in (one, other, prefs, late))
                assert late.stop() == 0
        assert one.stop() == other.stop() == prefs.stop() == 0
    pushed = [*producer.acknowledged, sent_again, posted]
    result = books.read(pushed)
    assert DamagedMessage.objects.get() == row  # the one that staff have sent again
    times.show()
    print(f"{watch.looks} looks at Redis while it was held; {result}")
    print(output)
    assert result._replace(damaged=0) == books.kept(pushed)
    assert stand.lists() == stand.held() == {}


def test_an_outage_without_preparation(postgresql_place: Stand) -> None:
    stand, times = postgresql_place, Timeline()
    # What Redis has acknowledged, it has: this is about us. `start` sets it back.
    stand.redis.config_set("appendfsync", "always")
    posted = [books.donation() for _ in range(5)]
    with (
        stand.worker() as one,
        stand.worker_with_beat() as other,
        Persistent(stand) as producer,
    ):
        wait_for_imports(IMPORTS)
        stand.broker.kill9()
        times.note("Redis is killed")
        for message in posted:
            push_by_outbox(message)
        wait_for(lambda: producer.refused > 30, "producers are refused")
        left = list(OutboxMessage.objects.values_list("pk", flat=True))
        assert len(left) >= len(posted)
        stand.broker.start()
        stand.forget_connection()
        times.note(f"Redis is back; {len(left)} messages in the outbox")
        wait_for_imports(IMPORTS)
        times.note(f"{IMPORTS} more are imported")
        wait_for(lambda: not OutboxMessage.objects.filter(pk__in=left).exists(), "they are pushed")
        times.note("those of the outage have left the outbox")
        producer.end()
        books.wait_until_settled(stand, 120)
        times.note("all is imported, the outbox is empty")
        assert one.stop() == other.stop() == 0
    times.show()
    pushed = [*producer.acknowledged, *posted]
    assert books.read(pushed) == books.kept(pushed)
    assert stand.lists() == stand.held() == {}


def assert_held(stand: Stand) -> None:
    """What is pushed now stays, though the workers of frqueue have looked at it."""
    stand.redis.rpush(books.QUEUE, books.wire(books.donation()))
    assert draining.workers("frqueue")
    assert not stand.redis.exists(reserved.RESERVED)
    assert stand.redis.llen(books.QUEUE) == 1
    assert not Contribution.objects.exists()


def test_a_redis_that_has_lost_everything_is_held_again(sqlite_place: Stand) -> None:
    stand = sqlite_place
    with stand.worker() as worker:
        begin(stand)
        stand.broker.kill9()
        for left in stand.broker.data_dir.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        stand.broker.start()
        stand.forget_connection()
        wait_for(lambda: stand.redis.exists(reserved.MAINTENANCE), "the worker holds it")
        wait_for_workers("frqueue", 1)
        assert_held(stand)
        end(stand)
        wait_for(Contribution.objects.exists, "the import")
        assert worker.stop() == 0


def test_a_worker_that_connects_while_the_database_is_away(
    postgresql: CrashingPostgreSQL, postgresql_place: Stand
) -> None:
    stand = postgresql_place
    with stand.worker() as worker:
        begin(stand)
        postgresql.crash()
        stand.redis.delete(reserved.MAINTENANCE)
        stand.redis.client_kill_filter(_type="normal", skipme=True)
        wait_for(lambda: "maintenance: not known, asked again" in worker.log(), "it asks in vain")
        postgresql.come_back()
        stand.forget_connection()
        wait_for(lambda: stand.redis.exists(reserved.MAINTENANCE), "the worker holds it")
        assert_held(stand)
        end(stand)
        wait_for(Contribution.objects.exists, "the import")
        assert worker.stop() == 0


def test_what_is_not_finished_in_time_is_told(sqlite_place: Stand) -> None:
    """By a worker that stands still, as one does in a task that hangs."""
    stand = sqlite_place
    with stand.worker("-Q", books.QUEUE) as worker:
        stopped = sorted(worker.children())
        for child in stopped:
            os.kill(child, signal.SIGSTOP)
        stand.redis.rpush(books.QUEUE, books.wire(books.donation()))
        wait_for(lambda: stand.redis.exists(reserved.RESERVED), "it is in hand")
        status, output = command(stand, "begin", "--reason", "a restart", "--timeout", "0")
        assert status == NOT_DRAINED
        assert "frqueue: donations: 1 message, " in output
        assert f" in {worker.name}" in output
        for child in stopped:
            os.kill(child, signal.SIGCONT)
        begin(stand)
        assert Contribution.objects.count() == 1
        end(stand)
