"""The command: config files as they are, but for connection strings, and every switch."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.core.management import load_command_class

from queues.models import MoverState, OutboxMessage
from queues.mover.state import samples
from tests.mover.commands import EXAMPLES, run
from tests.mover.test_config import ORIGINAL
from tests.pgq import Cluster, Database
from tests.servers import Valkey

# Movers write their state from a thread of their own, and move all the same where they cannot.
recorded = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Log and pid files go there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def other_source(cluster: Cluster) -> Iterator[Database]:
    """A second database with the queue ``gifts``."""
    database = cluster.database().create_queue("gifts")
    yield database
    cluster.drop(database)


@pytest.fixture
def sites(valkey: Valkey) -> Iterator[tuple[redis.Redis, redis.Redis]]:
    """Two empty databases of a server."""
    clients = (
        redis.Redis(port=valkey.port, db=5),
        redis.Redis(port=valkey.port, db=6),
    )
    for client in clients:
        client.flushdb()
    yield clients
    for client in clients:
        client.close()


def url(client: redis.Redis) -> str:
    settings = client.connection_pool.connection_kwargs
    return f"redis://127.0.0.1:{settings['port']}/{settings['db']}"


@pytest.fixture
def gifts_ini(tmp_path: Path, source: Database, target: Database) -> Path:
    """From ``gifts`` to ``donations``, between the databases of the test."""
    path = tmp_path / "gifts.ini"
    path.write_text(
        f"[queue_mover]\nsrc_db = {source.dsn}\ndst_db = {target.dsn}\n"
        "pgq_queue_name = gifts\ndst_queue_name = donations\npidfile = ~/%(job_name)s.pid\n"
    )
    return path


class TestFiles:
    def test_one_in_the_original_form(self, home: Path, cluster: Cluster) -> None:
        source = cluster.database().create_queue("source_queue")
        target = cluster.database().create_queue("target_queue")
        path = home / "mover.ini"
        text = ORIGINAL.replace("dbname=sourcedb", source.dsn)
        path.write_text(text.replace("dbname=targetdb", target.dsn))
        assert run(path, "--register") == 0
        numbers = source.insert("source_queue", "a", "b", type="kind", extra1="one")
        source.tick()
        assert run(path) == 0
        moved = target.events("target_queue")
        before = source.events("source_queue")
        assert [row[:6] for row in moved] == [row[:6] for row in before]
        origin = f"{source.name}/source_queue:"
        assert [row[6] for row in moved] == [f"{origin}{number}" for number in numbers]
        log = (home / "log/eventlog_to_target_mover.log").read_text()
        assert "{count: 2," in log
        assert not (home / "pid/eventlog_to_target_mover.pid").exists()
        cluster.drop(source)
        cluster.drop(target)

    def test_consolidate_two_databases(
        self, source: Database, other_source: Database, target: Database
    ) -> None:
        target.create_queue("all_gifts")
        both = (
            (EXAMPLES / "consolidate-de.ini", source),
            (EXAMPLES / "consolidate-fr.ini", other_source),
        )
        for path, database in both:
            assert run(path, "--register", src_db=database.dsn, dst_db=target.dsn) == 0
            database.insert("gifts", *(f"{path.stem} {number}" for number in range(3)))
            database.tick()
        for path, database in both:
            assert run(path, src_db=database.dsn, dst_db=target.dsn) == 0
        names = [f"{path.stem} {number}" for path, _ in both for number in range(3)]
        assert target.data("all_gifts") == names

    def test_a_database_to_the_list_of_donations(
        self, source: Database, sites: tuple[redis.Redis, redis.Redis]
    ) -> None:
        frqueue, _ = sites
        path = EXAMPLES / "database-to-donations.ini"
        places = {"src_db": source.dsn, "dst_db": url(frqueue)}
        assert run(path, "--register", **places) == 0
        source.insert("gifts", '{"gross": "10.00"}', '{"gross": "11.00", "message_id": "m-2"}')
        source.tick()
        assert run(path, **places) == 0
        first, second = map(json.loads, frqueue.lrange("donations", 0, -1))
        assert (first["gross"], second["gross"]) == ("10.00", "11.00")
        assert first["message_id"]
        assert second["message_id"] == "m-2"
        assert run(path, **places) == 0
        assert frqueue.llen("donations") == 2

    def test_site_to_site(self, sites: tuple[redis.Redis, redis.Redis]) -> None:
        theirs, ours = sites
        path = EXAMPLES / "site-to-site.ini"
        places = {"src_db": url(theirs), "dst_db": url(ours)}
        bodies = [b'{"message_id": "m-%d", "gross": "5.00"}' % number for number in range(5)]
        theirs.rpush("donations", *bodies)
        assert run(path, "--register", **places) == 0
        assert run(path, **places) == 0
        assert ours.lrange("donations", 0, -1) == bodies
        assert theirs.llen("donations") == 0

    @recorded
    def test_the_splitter_sets_aside_what_has_no_queue(
        self, cluster: Cluster, target: Database
    ) -> None:
        source = cluster.database().create_queue("changes")
        path = EXAMPLES / "splitter.ini"
        places = {"src_db": source.dsn, "dst_db": target.dsn}
        assert run(path, "--register", **places) == 0
        target.create_queue("refunds")
        for queue in ("donations", "nothing", "refunds", "donations"):
            source.insert("changes", f"of {queue}", extra1=queue)
        source.insert("changes", "of none")
        source.tick()
        assert run(path, exception_sleep="0.01", **places) == 0
        assert target.data("donations") == ["of donations"] * 2
        assert target.data("refunds") == ["of refunds"]
        aside = target.all("SELECT target_queue FROM queue_mover.set_aside ORDER BY id")
        assert sorted(aside) == [("",), ("nothing",)]
        (sample,) = samples()
        assert (sample.events_total, sample.set_aside_total) == (3, 2)
        cluster.drop(source)

    @recorded
    def test_into_the_outbox_of_this_site(self, gifts_ini: Path, source: Database) -> None:
        assert run(gifts_ini, "--register", dst_db="outbox:default") == 0
        source.insert("gifts", '{"gross": "10.00"}')
        source.tick()
        assert run(gifts_ini, dst_db="outbox:default") == 0
        row = OutboxMessage.objects.get()
        assert row.queue == "donations"
        assert json.loads(bytes(row.body))["gross"] == "10.00"


class TestSwitches:
    def test_registering_comes_first(
        self, gifts_ini: Path, source: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(gifts_ini) == 1
        assert "`--register` comes first" in capsys.readouterr().err
        assert run(gifts_ini, "--register") == 0
        assert run(gifts_ini, "--register") == 0
        assert capsys.readouterr().out == "gifts: registered\ngifts: was registered before\n"
        assert run(gifts_ini, "--unregister") == 0
        assert run(gifts_ini, "--unregister") == 0
        assert capsys.readouterr().out == "gifts: unregistered\ngifts: was not registered\n"
        assert source.all("SELECT * FROM pgq.get_consumer_info('gifts')") == []

    @recorded
    def test_a_lost_position_has_an_exit_code_and_a_way_out(
        self,
        gifts_ini: Path,
        source: Database,
        target: Database,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert run(gifts_ini, "--register") == 0
        source.insert("gifts", "a")
        source.tick()
        assert run(gifts_ini) == 0
        # As if an older backup of the source was restored: its consumer stands before that batch.
        source.run("SELECT pgq.register_consumer_at('gifts', 'gifts', 1)")
        source.insert("gifts", "b")
        source.tick()
        target.run("UPDATE queue_mover.position SET position = '999@2030-01-01T00:00:00+00:00'")
        assert run(gifts_ini) == 3
        assert "the position is lost" in capsys.readouterr().err
        (sample,) = samples()
        assert sample.failing
        assert run(gifts_ini, "--rewind") == 3
        assert run(gifts_ini, "--reset") == 0
        assert run(gifts_ini) == 0
        assert target.data("donations") == ["a", "a", "b"]

    def test_rewind_goes_on_where_the_target_is(
        self, gifts_ini: Path, source: Database, target: Database
    ) -> None:
        assert run(gifts_ini, "--register") == 0
        for data in ("a", "b"):
            source.insert("gifts", data)
            source.tick()
        assert run(gifts_ini) == 0
        source.run("SELECT pgq.register_consumer_at('gifts', 'gifts', 1)")
        assert run(gifts_ini) == 3
        assert run(gifts_ini, "--rewind") == 0
        assert run(gifts_ini) == 0
        assert target.data("donations") == ["a", "b"]

    def test_less_than_no_delay_is_one_batch(
        self, gifts_ini: Path, source: Database, target: Database
    ) -> None:
        assert run(gifts_ini, "--register") == 0
        for data in ("a", "b"):
            source.insert("gifts", data)
            source.tick()
        assert run(gifts_ini, loop_delay="-1") == 0
        assert target.data("donations") == ["a"]

    @recorded
    def test_status(
        self, gifts_ini: Path, source: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(gifts_ini, "--status") == 1
        assert "last batch: never told" in capsys.readouterr().out
        assert run(gifts_ini, "--register") == 0
        source.insert("gifts", "a", "b")
        source.tick()
        assert run(gifts_ini) == 0
        source.insert("gifts", "c")
        source.tick()
        capsys.readouterr()
        assert run(gifts_ini, "--status") == 1
        facts = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
        assert facts["job"] == "gifts"
        assert facts["running"] == "no"
        assert facts["source"].startswith(f"{source.name}@127.0.0.1:")
        assert facts["position"].startswith("2@")
        assert facts["backlog"] == "1 events"
        assert facts["last batch"].startswith("2 events, ")
        assert facts["moved"] == "2 events"
        assert facts["last error"] == "none"

    @pytest.mark.parametrize("switch", ["-r", "-s", "-k"])
    def test_a_signal_for_nobody_fails(
        self, gifts_ini: Path, switch: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(gifts_ini, switch) == 1
        assert capsys.readouterr().err == "gifts is not running\n"
        assert run(gifts_ini, switch, pidfile="") == 1
        assert "no pidfile" in capsys.readouterr().err

    def test_the_background_needs_a_pidfile(
        self, gifts_ini: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(gifts_ini, "-d", pidfile="") == 1
        assert "-d needs a pidfile" in capsys.readouterr().err

    def test_keys_without_effect_are_told(
        self, gifts_ini: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(gifts_ini, "--register") == 0
        assert run(gifts_ini, pgq_lazy_fetch="300") == 0
        assert "keys without effect here: pgq_lazy_fetch" in capsys.readouterr().err

    @recorded
    def test_quiet_and_verbose(self, gifts_ini: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(gifts_ini, "--register") == 0
        capsys.readouterr()
        assert run(gifts_ini, "-q") == 0
        assert capsys.readouterr().err == ""
        assert run(gifts_ini, "-v") == 0
        assert "INFO moves " in capsys.readouterr().err

    def test_wrong_words(self, gifts_ini: Path) -> None:
        for words in (["-s", "-r"], ["--set=nothing"], ["--nothing"]):
            with pytest.raises(SystemExit) as ended:
                run(gifts_ini, *words)
            assert ended.value.code == 2

    def test_as_a_command_of_django(self, capsys: pytest.CaptureFixture[str]) -> None:
        command = load_command_class("queues", "queue_mover")
        with pytest.raises(SystemExit) as ended:
            command.run_from_argv(["manage.py", "queue_mover", "--ini"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith("[queue_mover]")
        command.print_help("manage.py", "queue_mover")
        assert "manage.py queue_mover --register" in capsys.readouterr().out


class TestState:
    @recorded
    def test_it_is_recorded(self, gifts_ini: Path, source: Database, target: Database) -> None:
        assert run(gifts_ini, "--register") == 0
        for count in (2, 3):
            source.fill("gifts", count)
            source.tick()
            assert run(gifts_ini) == 0
        row = MoverState.objects.get()
        assert (row.job_name, row.consumer, row.events_total) == ("gifts", "gifts", 5)
        assert (row.batch_events, row.lag_seconds, row.backlog_events) == (3, 0, 0)
        assert (row.failing, row.error, row.set_aside_total) == (False, "", 0)
        assert row.source.endswith(" gifts")
        assert row.target.endswith(" donations")
        assert row.position == target.one("SELECT position FROM queue_mover.position")
        assert row.stopped_at is not None
        (sample,) = samples()
        assert not sample.running
        assert sample.moved_age is not None
        assert sample.error_age is None

    def test_events_move_without_it(
        self,
        gifts_ini: Path,
        source: Database,
        target: Database,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """This test may not use Django's database, as its marker is missing."""
        assert run(gifts_ini, "--register") == 0
        source.insert("gifts", "a")
        source.tick()
        assert run(gifts_ini) == 0
        assert target.data("donations") == ["a"]
        assert capsys.readouterr().err.count("its state is not recorded") == 1
