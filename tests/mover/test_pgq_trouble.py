"""PgQ to PgQ: rotation, two movers, databases that go away, signals."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event as Flag

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from queues.mover.interface import Away, Busy, Event
from queues.mover.moving import Mover
from queues.mover.pgq.link import Link
from tests.mover.movers import NAME, Movers, drain
from tests.pgq import Database


def cut(database: Database) -> None:
    """End the connections of movers to a database, as a restart of the server does."""
    database.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'queue_mover%%'",
    )


class TestRotation:
    """Tables change while events are on their way."""

    def test_an_event_put_while_the_target_rotates_is_delivered(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        """The rotation comes after the choice of the table, and before the first write."""
        target.run("SELECT pgq.register_consumer('donations', 'reader')")
        assert target.consumed("donations", "reader") == []
        source.tick()
        batch = mover.source.next_batch()
        assert batch is not None

        def events() -> Iterator[Event]:
            assert target.rotate("donations")
            for _ in range(2):
                assert target.consumed("donations", "reader") == []
            yield Event("shop/gifts:1", datetime.now(UTC), "test", "late")

        with mover.target.transaction(mover.consumer) as transaction:
            transaction.put("donations", events())
            transaction.commit(batch.position)
        assert target.consumed("donations", "reader") == ["late"]

    def test_the_source_rotates_during_a_batch(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        source.tick()
        drain(mover)
        source.fill("gifts", 5000)
        source.tick()
        batch = mover.source.next_batch()
        assert batch is not None
        events = iter(batch.events())
        next(events)
        rotations = []
        for number in range(4):
            rotations.append(source.rotate("gifts"))
            source.insert("gifts", f"later {number}")
            source.tick()
        # Further ones wait until the mover has what is in the table.
        assert rotations == [True, False, False, False]
        assert sum(1 for _ in events) == 4999
        assert drain(mover) == 5004
        expected = [str(n) for n in range(5000)] + [f"later {n}" for n in range(4)]
        assert target.data("donations") == expected


class TestTwoMovers:
    """Of one name, started twice."""

    def test_the_second_says_that_there_is_a_first(
        self, source: Database, target: Database, movers: Movers, mover: Mover
    ) -> None:
        source.insert("gifts", "one")
        source.tick()
        drain(mover)
        second = movers.mover(source, target)
        source.insert("gifts", "two")
        source.tick()
        with pytest.raises(Busy, match=NAME):
            second.turn()
        mover.target.close()
        assert drain(second) == 1
        assert target.data("donations") == ["one", "two"]

    def test_neither_doubles_nor_loses_while_both_go_on(
        self, source: Database, target: Database, movers: Movers, mover: Mover
    ) -> None:
        both = [mover, movers.mover(source, target)]
        full = Flag()

        def move(mine: Mover) -> int:
            count = 0
            while True:
                last = full.is_set()
                try:
                    moved = mine.turn()
                except Away:
                    continue
                finally:
                    mine.target.close()  # so that the other has its chance
                if moved:
                    count += moved.events
                elif last:
                    return count

        with ThreadPoolExecutor(2) as pool:
            counts = [pool.submit(move, mine) for mine in both]
            try:
                for first in range(0, 600, 20):
                    source.fill("gifts", 20, first=first)
                    source.tick()
            finally:
                full.set()
            assert sum(each.result() for each in counts) == 600
        assert target.data("donations") == [str(n) for n in range(600)]

    def test_one_that_comes_late_with_an_old_batch_starts_over(
        self, source: Database, target: Database, movers: Movers, mover: Mover
    ) -> None:
        """What it holds was finished by the other: that is no lost position."""
        second = movers.mover(source, target)
        for data in ("one", "two"):
            source.insert("gifts", data)
            source.tick()
        old = second.source.next_batch()
        assert old is not None
        drain(mover)
        mover.target.close()
        with (
            second.target.transaction(second.consumer) as transaction,
            pytest.raises(Away, match="faster"),
        ):
            second._take(old, transaction)
        assert target.data("donations") == ["one", "two"]


class TestAway:
    """Databases that go away come back."""

    @pytest.mark.parametrize("side", ["source", "target"])
    def test_a_connection_that_breaks_between_turns(
        self, side: str, source: Database, target: Database, mover: Mover
    ) -> None:
        source.insert("gifts", "one")
        source.tick()
        drain(mover)
        source.insert("gifts", "two")
        source.tick()
        cut({"source": source, "target": target}[side])
        with pytest.raises(Away, match=f"{side}@127.0.0.1"):
            mover.turn()
        assert drain(mover) == 1
        assert target.data("donations") == ["one", "two"]

    @pytest.mark.parametrize("side", ["source", "target"])
    def test_a_connection_that_breaks_in_a_batch(
        self, side: str, source: Database, target: Database, movers: Movers
    ) -> None:
        broken = Flag()

        def choose(event: Event) -> str:
            if event.data == "1500" and not broken.is_set():
                broken.set()
                cut({"source": source, "target": target}[side])
            return "donations"

        mover = movers.registered(source, target, queue=choose)
        source.fill("gifts", 5000)
        source.tick()
        with pytest.raises(Away, match=f"{side}@127.0.0.1"):
            mover.turn()
        assert target.data("donations") == []
        assert drain(mover) == 5000
        assert target.data("donations") == [str(n) for n in range(5000)]

    def test_a_server_that_is_not_there(self, source: Database) -> None:
        nowhere = make_conninfo(source.dsn, port="1")
        with (
            pytest.raises(Away, match=r"source@127.0.0.1:1: OperationalError"),
            Link(nowhere, "test").use(),
        ):
            pass

    def test_a_queue_that_is_not_there(self, source: Database, mover: Mover) -> None:
        source.run("SELECT pgq.drop_queue('gifts', true)")
        mover.source.close()
        with pytest.raises(Away, match="has no queue gifts"):
            mover.register()

    def test_a_text_that_is_no_dsn_is_not_shown(self) -> None:
        with pytest.raises(ValueError, match="no connection string") as caught:
            Link("hunter2", "test")
        assert "hunter2" not in str(caught.value)


class TestInterrupted:
    """A signal's handler may raise at any place."""

    def test_in_the_middle_of_a_statement(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        class AtOnce(BaseException):
            pass

        def stop(*_: object) -> None:
            raise AtOnce

        def waits() -> bool:
            query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            return bool(blocker.execute(query).fetchone() != (0,))

        def send() -> None:
            while not waits():
                time.sleep(0.01)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

        source.insert("gifts", "one")
        source.tick()
        former = signal.signal(signal.SIGUSR1, stop)
        try:
            with psycopg.connect(target.dsn) as blocker, ThreadPoolExecutor(1) as pool:
                blocker.execute("LOCK TABLE pgq.event_template")
                pool.submit(send)
                with pytest.raises(AtOnce):
                    mover.turn()
        finally:
            signal.signal(signal.SIGUSR1, former)
        assert target.data("donations") == []
        assert drain(mover) == 1
        assert target.data("donations") == ["one"]
