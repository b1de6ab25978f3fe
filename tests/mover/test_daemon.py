"""A mover as a process: pid files, signals, reloads, outages, crashes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from queues.mover import pidfile
from queues.mover.pidfile import Pidfile, Taken
from queues.mover.signals import AtOnce, Signals
from tests.mover.commands import ROOT, run, running, until
from tests.pgq import Cluster, Database
from tests.servers import Valkey

#: Django is missing, where movers tell of themselves: nobody waits for it.
ALONE = {"DJANGO_SETTINGS_MODULE": "missing"}


@pytest.fixture
def ini(tmp_path: Path, source: Database, target: Database) -> Path:
    """A registered mover from ``gifts`` to ``donations``."""
    path = tmp_path / "gifts.ini"
    path.write_text(
        f"[queue_mover]\nsrc_db = {source.dsn}\ndst_db = {target.dsn}\n"
        "queue_name = gifts\ndst_queue_name = donations\nloop_delay = 0.02\nexception_sleep = 0.1\n"
        f"pidfile = {tmp_path}/%(job_name)s.pid\nlogfile = {tmp_path}/%(job_name)s.log\n"
    )
    assert run(path, "--register") == 0
    return path


def log(ini: Path) -> str:
    path = ini.with_suffix(".log")
    return path.read_text() if path.exists() else ""


def pid(ini: Path) -> int | None:
    return pidfile.running(ini.with_suffix(".pid"))


def move(source: Database, target: Database, data: str) -> None:
    """Wait until an event is moved."""
    source.insert("gifts", data)
    source.tick()
    until(lambda: data in target.data("donations"))


class TestPidfile:
    def test_it_says_who_and_goes_in_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "pid" / "mover.pid"
        with Pidfile(path) as file:
            file.write()
            assert path.read_text() == f"{os.getpid()}\n"
            assert pidfile.running(path) == os.getpid()
            with pytest.raises(Taken, match=f"process {os.getpid()}"), Pidfile(path):
                pytest.fail("two have it")
            assert pidfile.running(path) == os.getpid()
        assert not path.exists()
        assert pidfile.running(path) is None

    def test_a_stale_one_is_no_obstacle(self, tmp_path: Path) -> None:
        path = tmp_path / "mover.pid"
        path.write_text("1\n")
        assert pidfile.running(path) is None
        with Pidfile(path) as file:
            file.write()
            assert pidfile.running(path) == os.getpid()

    def test_nor_is_a_process_that_is_dead_and_not_buried(self, tmp_path: Path) -> None:
        path = tmp_path / "mover.pid"
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            Pidfile(path).__enter__().write()
            os.write(writer, b".")
            signal.pause()
        os.read(reader, 1)
        assert pidfile.running(path) == child
        os.kill(child, signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # dead, and not reaped yet
        assert pidfile.running(path) is None
        with Pidfile(path):
            assert path.read_text() == ""
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


class TestSignals:
    @pytest.fixture(autouse=True)
    def signals(self) -> Iterator[Signals]:
        with Signals() as signals:
            yield signals

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_one_asks_to_stop_and_ends_the_wait(
        self, signals: Signals, number: signal.Signals
    ) -> None:
        os.kill(os.getpid(), number)
        signals.wait(60)
        assert signals.stop
        assert not signals.reload

    def test_two_stop_at_once(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(AtOnce, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)

    def test_two_to_reload_do_not(self, signals: Signals) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
        signals.wait(60)
        assert signals.reload
        assert not signals.stop


def test_handlers_that_were_there_before_are_there_again() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.proof
class TestProcess:
    def test_a_signal_ends_it_after_the_turn(
        self,
        ini: Path,
        source: Database,
        target: Database,
    ) -> None:
        with running(ini, **ALONE) as mover:
            move(source, target, "a")
            assert pid(ini) == mover.pid
            mover.send_signal(signal.SIGTERM)
            assert mover.wait(20) == 0
        assert "stopped" in log(ini)
        assert not ini.with_suffix(".pid").exists()

    def test_twice_it_ends_at_once_and_nothing_is_done(
        self, ini: Path, source: Database, target: Database
    ) -> None:
        source.insert("gifts", "a")
        source.tick()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'queue_mover%%'"
            " AND wait_event_type = 'Lock'"
        )
        with psycopg.connect(target.dsn) as other:
            other.execute("SELECT * FROM queue_mover.position FOR UPDATE")
            with running(ini, **ALONE) as mover:
                until(lambda: target.one(waiting))
                mover.send_signal(signal.SIGTERM)
                mover.send_signal(signal.SIGINT)
                assert mover.wait(20) == 1
        assert "stopped at once by a second SIG" in log(ini)
        assert target.data("donations") == []
        assert not ini.with_suffix(".pid").exists()
        assert run(ini) == 0
        assert target.data("donations") == ["a"]

    def test_after_a_crash_it_starts_again(
        self, ini: Path, source: Database, target: Database
    ) -> None:
        for data in ("a", "b"):
            with running(ini, **ALONE) as mover:
                move(source, target, data)
                mover.kill()
                mover.wait()
            assert ini.with_suffix(".pid").exists()
        assert target.data("donations") == ["a", "b"]

    def test_one_at_a_time(
        self,
        ini: Path,
        source: Database,
        target: Database,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with running(ini, **ALONE) as mover:
            move(source, target, "a")
            assert run(ini) == 1
            assert capsys.readouterr().err == f"it runs already: process {mover.pid}\n"
            for switch in ("--reset", "--rewind", "--unregister"):
                assert run(ini, switch) == 1
                assert f"it runs, process {mover.pid}: stop it first" in capsys.readouterr().err
            # On another machine, where the pid file says nothing, the target's lock does.
            mover.send_signal(signal.SIGSTOP)
            source.insert("gifts", "b")
            source.tick()
            assert run(ini, pidfile="") == 1
            assert "another mover gifts is at work" in capsys.readouterr().err
            mover.send_signal(signal.SIGCONT)
            until(lambda: "b" in target.data("donations"))
        assert target.data("donations") == ["a", "b"]

    def test_connections_have_a_life(self, ini: Path, source: Database, target: Database) -> None:
        sessions = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'queue_mover%%'"
        seen: set[int] = set()

        def renewed() -> bool:
            seen.update(number for (number,) in source.all(sessions))
            return len(seen) > 4

        with running(ini, "--set=connection_lifetime=0", **ALONE):
            until(renewed)
            move(source, target, "a")

    def test_a_place_that_is_away_for_a_while(self, tmp_path: Path) -> None:
        ini = tmp_path / "away.ini"
        with Valkey() as server:
            ini.write_text(
                f"[queue_mover]\nsrc_db = {server.url}\ndst_db = {server.url}\nqueue_name = gifts\n"
                "dst_queue_name = donations\nloop_delay = 0.02\nexception_sleep = 0.1\n"
                f"logfile = {tmp_path}/away.log\n"
            )
            assert run(ini, "--register") == 0
            server.kill9()
            with running(ini, VAR_DIR=str(tmp_path)) as mover:
                until(lambda: log(ini).count("failed, next try") > 1)
                server.start()
                client = server.client()
                client.rpush("gifts", b'{"message_id": "m-1"}')
                until(lambda: client.llen("donations"))
                mover.send_signal(signal.SIGTERM)
                assert mover.wait(20) == 0
            client.close()


class TestReload:
    def test_everything_is_read_again(
        self, ini: Path, source: Database, target: Database, elsewhere: Database
    ) -> None:
        elsewhere.create_queue("refunds")
        with running(ini, **ALONE):
            move(source, target, "a")
            text = ini.read_text().replace(target.dsn, elsewhere.dsn)
            ini.write_text(text.replace("= donations", "= refunds"))
            assert run(ini, "-r") == 0
            until(lambda: "reloaded; changed: dst_db, dst_queue_name" in log(ini))
            source.insert("gifts", "b")
            source.tick()
            until(lambda: "`--register` comes first" in log(ini))
            assert run(ini, "--register") == 0
            until(lambda: elsewhere.data("refunds") == ["b"])
        assert target.data("donations") == ["a"]

    def test_what_cannot_be_run_changes_nothing(
        self, ini: Path, source: Database, target: Database
    ) -> None:
        text = ini.read_text()
        with running(ini, **ALONE) as mover:
            move(source, target, "a")
            for count, fault in enumerate(("loop_delay = x", "job_name = y", "dst_db = z"), 1):
                ini.write_text(f"{text}\n{fault}\n")
                mover.send_signal(signal.SIGHUP)
                until(lambda count=count: log(ini).count("not reloaded: ") == count)  # type: ignore[misc]
                assert f"{fault.split()[0]}: " in log(ini)
            move(source, target, "b")

    @pytest.fixture
    def elsewhere(self, cluster: Cluster) -> Iterator[Database]:
        """Another target."""
        database = cluster.database()
        yield database
        cluster.drop(database)


@pytest.mark.proof
class TestBackground:
    def command(self, ini: Path, *switches: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "queues.mover.main", *switches, str(ini)]
        environ = {**os.environ, **ALONE}
        return subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True)

    def test_started_and_stopped(self, ini: Path, source: Database, target: Database) -> None:
        started = self.command(ini, "-d")
        number = pid(ini)
        assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
        assert number is not None
        try:
            assert os.getsid(number) != os.getsid(0)
            assert Path(f"/proc/{number}/fd/0").readlink() == Path(os.devnull)
            move(source, target, "a")
            assert run(ini, "-s") == 0
            until(lambda: pid(ini) is None)
        finally:
            if (left := pid(ini)) is not None:
                os.kill(left, signal.SIGKILL)
        assert "INFO stopped" in log(ini)

    def test_what_cannot_start_says_so_in_the_foreground(self, ini: Path) -> None:
        with Pidfile(ini.with_suffix(".pid")) as file:
            file.write()
            refused = self.command(ini, "-d")
        assert refused.returncode == 1
        assert refused.stderr == f"it runs already: process {os.getpid()}\n"
