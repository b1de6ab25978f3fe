"""Outboxes as source and as target of a mover, on each database."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from queues.deadletter import DeadLetter
from queues.models import MoverPosition
from queues.mover.interface import Away, Consumer, Event, LostPosition, NotRegistered
from queues.mover.moving import Mover
from queues.mover.outbox_source import OutboxSource
from queues.mover.outbox_target import OutboxTarget
from tests.mover.sites import Site, postgresql_site, sqlite_site

CONSUMER = Consumer("elsewhere/7", "log", "mover")
TIME = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
BODIES = [b'{"message_id": "a-1", "gross": 10.10}', b'{"gross": 1}', b"Jos\xe9", b"\0", b""]


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def pair(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[tuple[Site, Site]]:
    """Two databases on each engine."""
    with django_db_blocker.unblock():
        if request.param == "sqlite":
            directory = tmp_path_factory.mktemp("sites")
            sites = sqlite_site(directory), sqlite_site(directory)
        else:
            server = request.getfixturevalue("cluster").server.url
            sites = postgresql_site(server), postgresql_site(server)
        yield sites
        for site in sites:
            site.forget()


@pytest.fixture
def here(pair: tuple[Site, Site]) -> Site:
    """The database that is moved from, empty."""
    pair[0].clear()
    return pair[0]


@pytest.fixture
def there(pair: tuple[Site, Site]) -> Site:
    """The database that is moved into, empty."""
    pair[1].clear()
    return pair[1]


@pytest.fixture
def source(here: Site) -> OutboxSource:
    source = OutboxSource(here.url, "site-a", "mover", most=3)
    source.register()
    return source


@pytest.fixture
def target(there: Site) -> OutboxTarget:
    target = OutboxTarget(there.url)
    target.register(CONSUMER)
    return target


def mover(source: OutboxSource, target: OutboxTarget) -> Mover:
    moving = Mover(source, target, "site-a", "mover", "donations")
    moving.target.register(moving.consumer)
    return moving


def drain(mover: Mover) -> int:
    """Turns until there is nothing more; how many."""
    turns = 0
    while True:
        try:
            if mover.turn() is None:
                return turns
        except Away:  # another mover was faster
            continue
        turns += 1


def numbered(first: int, last: int) -> list[bytes]:
    return [b'{"message_id": "m%d"}' % number for number in range(first, last)]


def event(data: str, number: int = 1) -> Event:
    return Event(id=f"shop/log:{number}", time=TIME, type="gift", data=data)


def test_rows_arrive_byte_by_byte_and_in_order(
    source: OutboxSource, target: OutboxTarget, here: Site, there: Site
) -> None:
    here.add("site-a", BODIES)
    here.add("site-b", BODIES)
    assert drain(mover(source, target)) == 2
    assert there.bodies("donations") == BODIES
    assert here.bodies("site-a") == []
    assert here.bodies("site-b") == BODIES


def test_a_batch_comes_again_until_it_is_finished(source: OutboxSource, here: Site) -> None:
    here.add("site-a", BODIES)
    first = source.next_batch()
    source.close()
    again = source.next_batch()
    assert first is not None
    assert again is not None
    assert list(again.events()) == list(first.events())
    assert (again.previous, again.position) == (first.previous, first.position)
    source.finish(again)
    second = source.next_batch()
    assert second is not None
    assert second.previous == first.position
    assert len(second.rows) == 2


def test_a_row_that_is_committed_late_is_not_skipped(
    source: OutboxSource, target: OutboxTarget, here: Site, there: Site
) -> None:
    """Its number is below those of rows that were moved before."""
    here.add("site-a", numbered(0, 4))
    late = here.outbox.order_by("pk")[1]
    here.outbox.filter(pk=late.pk).delete()
    moving = mover(source, target)
    batch = source.next_batch()
    assert batch is not None
    here.outbox.bulk_create([late])
    drain(moving)
    assert sorted(there.bodies("donations")) == numbered(0, 4)


def test_what_was_committed_but_not_finished_is_known(
    source: OutboxSource, target: OutboxTarget, here: Site, there: Site
) -> None:
    here.add("site-a", BODIES)
    moving = mover(source, target)
    batch = source.next_batch()
    assert batch is not None
    with target.transaction(moving.consumer) as transaction:
        transaction.put("donations", batch.events())
        transaction.commit(batch.position)
    target.close()
    again = moving.turn()
    assert again is not None
    assert again.known
    drain(moving)
    assert there.bodies("donations") == BODIES


def test_what_is_not_committed_is_not_there(target: OutboxTarget, there: Site) -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.put("donations", [event("{}")])
    assert there.bodies("donations") == []
    with target.transaction(CONSUMER) as transaction:
        transaction.put("donations", [event("{}")])
        transaction.commit("tick 2")
    assert len(there.bodies("donations")) == 1
    assert target.position(CONSUMER) == "tick 2"


def test_of_two_who_have_the_same_batch_one_puts_it(
    source: OutboxSource, target: OutboxTarget, here: Site, there: Site
) -> None:
    here.add("site-a", numbered(0, 300))
    mover(source, target)
    start = Barrier(2)

    def run() -> int:
        mine = Mover(
            OutboxSource(here.url, "site-a", "mover", most=3),
            OutboxTarget(there.url),
            "site-a",
            "mover",
            "donations",
        )
        start.wait(30)
        try:
            return drain(mine)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        turns = [future.result() for future in [threads.submit(run) for _ in range(2)]]
    assert sum(turns) >= 100
    assert there.bodies("donations") == numbered(0, 300)


def test_consumers_of_other_names_share_the_rows(here: Site, source: OutboxSource) -> None:
    other = OutboxSource(here.url, "site-a", "other", most=3)
    other.register()
    here.add("site-a", numbered(0, 5))
    mine, others = source.next_batch(), other.next_batch()
    assert mine is not None
    assert others is not None
    assert [bytes(row.body) for row in (*mine.rows, *others.rows)] == numbered(0, 5)


def test_a_batch_that_a_sweeper_took_from_is_lost(source: OutboxSource, here: Site) -> None:
    here.add("site-a", BODIES)
    batch = source.next_batch()
    assert batch is not None
    here.outbox.filter(pk=batch.rows[0].pk).delete()
    with pytest.raises(LostPosition):
        source.next_batch()


def test_a_queue_that_is_swept_here_is_no_source() -> None:
    with pytest.raises(ValueError, match="sweeper"):
        OutboxSource("default", "donations", "mover")


def test_a_queue_that_nobody_sweeps_is_no_target(target: OutboxTarget, there: Site) -> None:
    with target.transaction(CONSUMER) as transaction, pytest.raises(KeyError):
        transaction.put("donatoins", [event("{}")])


def test_what_is_set_aside_is_committed_with_the_rest(target: OutboxTarget, there: Site) -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.put("refund", [event('{"a": 1}', 1)])
        transaction.set_aside("refund", event("junk", 2), "too large")
        transaction.commit("tick 2")
    assert len(there.bodies("refund")) == 1
    (letter,) = map(DeadLetter.loads, there.bodies("refund-damaged"))
    assert (letter.queue, letter.body) == ("refund", b"junk")


def test_a_row_has_the_key_that_the_inbox_will_know(target: OutboxTarget, there: Site) -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.put("refund", [event('{"message_id": "x-1"}', 1), event("{}", 2)])
        transaction.commit("tick 2")
    told, made = there.outbox.order_by("pk").values_list("message_id", flat=True)
    assert told == "x-1"
    assert len(made) == 64


def test_positions_of_others_are_not_touched(target: OutboxTarget, there: Site) -> None:
    other = Consumer("another/7", "log", "mover")
    target.register(other)
    for consumer, position in ((CONSUMER, "1"), (other, "2")):
        with target.transaction(consumer) as transaction:
            transaction.commit(position)
    target.register(other)
    target.forget(CONSUMER)
    assert target.position(CONSUMER) is None
    assert target.position(other) == "2"
    assert MoverPosition.objects.using(there.alias).count() == 2


def test_who_is_not_registered_at_the_target_is_told(target: OutboxTarget, there: Site) -> None:
    stranger = Consumer("restored elsewhere/7", "log", "mover")
    with pytest.raises(NotRegistered), target.transaction(stranger):
        raise AssertionError("it has no position")
    with pytest.raises(NotRegistered):
        target.position(stranger)


def test_registering(here: Site) -> None:
    source = OutboxSource(here.url, "site-a", "mover")
    identity = source.identity
    with pytest.raises(NotRegistered):
        source.next_batch()
    assert source.register()
    assert not source.register()
    assert source.unregister()
    assert not source.unregister()
    source.close()
    assert source.identity == identity


def test_the_backlog_is_what_is_not_finished(source: OutboxSource, here: Site) -> None:
    assert source.backlog().events == 0
    here.add("site-a", BODIES)
    here.outbox.update(created_at=TIME)
    source.next_batch()
    backlog = source.backlog()
    assert backlog.events == len(BODIES)
    assert backlog.seconds == pytest.approx((datetime.now(UTC) - TIME).total_seconds(), abs=60)


class Backup:
    """What a database was, for it to be set back to that."""

    def __init__(self, site: Site, directory: Path) -> None:
        self._site, self._directory = site, directory
        self._is_sqlite = site.url.startswith("sqlite")
        self._name = site.url.rpartition("/")[2]
        site.close()
        if self._is_sqlite:
            shutil.copy(self._path, directory / "backup")
        else:
            self._server(
                f"DROP DATABASE IF EXISTS {self._name}_backup",
                f"CREATE DATABASE {self._name}_backup TEMPLATE {self._name}",
            )

    def restore(self) -> None:
        self._site.close()
        if self._is_sqlite:
            shutil.copy(self._directory / "backup", self._path)
        else:
            self._server(
                f"DROP DATABASE {self._name} WITH (FORCE)",
                f"CREATE DATABASE {self._name} TEMPLATE {self._name}_backup",
            )

    @property
    def _path(self) -> str:
        return self._site.url.removeprefix("sqlite:///")

    def _server(self, *statements: str) -> None:
        admin = self._site.url.rpartition("/")[0] + "/postgres"
        with psycopg.connect(admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.mark.parametrize("in_hand", [False, True])
def test_a_source_set_back_is_noticed_and_can_go_on(
    in_hand: bool,
    source: OutboxSource,
    target: OutboxTarget,
    here: Site,
    there: Site,
    tmp_path: Path,
) -> None:
    moving = mover(source, target)
    here.add("site-a", numbered(0, 10))
    moving.turn()
    if in_hand:
        source.next_batch()
    backup = Backup(here, tmp_path)
    drain(moving)
    backup.restore()
    here.add("site-a", numbered(10, 14))
    with pytest.raises(LostPosition):
        moving.turn()
    moving.rewind()
    drain(moving)
    assert there.bodies("donations") == numbered(0, 14)


def test_a_target_set_back_is_noticed(
    source: OutboxSource, target: OutboxTarget, here: Site, there: Site, tmp_path: Path
) -> None:
    moving = mover(source, target)
    here.add("site-a", numbered(0, 9))
    moving.turn()
    backup = Backup(there, tmp_path)
    moving.turn()
    backup.restore()
    with pytest.raises(LostPosition):
        moving.turn()
    with pytest.raises(LostPosition):
        moving.rewind()


def test_a_database_that_is_away_is_said_so(
    source: OutboxSource, target: OutboxTarget, here: Site, there: Site
) -> None:
    here.add("site-a", BODIES)
    moving = mover(source, target)
    with connections[there.alias].cursor() as cursor:
        cursor.execute("ALTER TABLE queues_outboxmessage RENAME TO elsewhere")
    with pytest.raises(Away, match="outbox"):
        moving.turn()
    with connections[there.alias].cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO queues_outboxmessage")
    drain(moving)
    assert there.bodies("donations") == BODIES
