"""Heartbeats: what a process writes, what a probe reads, who is seen on an instance."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from kombu.asynchronous.timer import Timer

from queues import heartbeats, instances
from queues.worker import Heartbeat
from tests.workers import ROOT

NAME = "donations@host"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEARTBEAT_DIR", str(tmp_path / "beats"))
    return tmp_path / "beats"


def made_older(name: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(heartbeats.directory() / name, (then, then))


class TestProbe:
    def test_a_process_that_beats_is_alive(self, capsys: pytest.CaptureFixture[str]) -> None:
        heartbeats.touch(NAME)
        made_older(NAME, 40)
        assert heartbeats.main(["--worker", NAME]) == 0
        assert re.fullmatch(f"{NAME}: heartbeat 4. s ago\n", capsys.readouterr().out)

    def test_one_that_does_not_is_not(self, capsys: pytest.CaptureFixture[str]) -> None:
        heartbeats.touch(NAME)
        made_older(NAME, 40)
        assert heartbeats.main(["--worker", NAME, "--max-age", "30"]) == 1
        assert re.fullmatch(f"{NAME}: heartbeat 4. s ago, not alive\n", capsys.readouterr().out)

    def test_nor_is_one_that_never_did(self, capsys: pytest.CaptureFixture[str]) -> None:
        heartbeats.touch("other@host")
        assert heartbeats.main(["--worker", NAME]) == 1
        assert capsys.readouterr().out == f"{NAME}: no heartbeat, not alive\n"

    def test_beat_is_asked_for_by_its_instance(self) -> None:
        heartbeats.touch("beat@donor-prefs")
        assert heartbeats.main(["--beat", "donor-prefs"]) == 0
        assert heartbeats.main(["--beat", "frqueue"]) == 1

    def test_one_that_ended_by_itself_leaves_no_file(self, directory: Path) -> None:
        heartbeats.touch(NAME)
        heartbeats.remove(NAME)
        heartbeats.remove(NAME)
        assert list(directory.iterdir()) == []

    def test_a_name_leads_nowhere_else(self, directory: Path) -> None:
        heartbeats.touch("../../elsewhere")
        assert [path.parent for path in directory.iterdir()] == [directory]

    def test_it_is_a_program_that_imports_neither_django_nor_celery(self) -> None:
        heartbeats.touch(NAME)
        heavy = "{'celery', 'django', 'kombu', 'redis'} & set(sys.modules)"
        code = f"import sys, runpy; sys.argv[1:] = ['--worker', {NAME!r}]\n"
        code += "try: runpy.run_module('queues.heartbeats', run_name='__main__')\n"
        code += f"except SystemExit as end: print(end.code, {heavy})"
        answer = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert answer.stdout.splitlines()[1] == "0 set()"


class TestInstance:
    def test_who_was_seen_lately(self, frqueue: redis.Redis) -> None:
        heartbeats.tell(frqueue, NAME)
        frqueue.zincrby(heartbeats.KEY, -50, NAME)
        heartbeats.tell(frqueue, "beat@frqueue")
        seen = heartbeats.seen(frqueue, 60)
        assert list(seen) == [NAME, "beat@frqueue"]
        assert seen[NAME] >= 50
        assert list(heartbeats.seen(frqueue, 40)) == ["beat@frqueue"]

    def test_who_ended_by_itself_is_not_missed(self, frqueue: redis.Redis) -> None:
        heartbeats.tell(frqueue, NAME)
        heartbeats.take_leave(frqueue, NAME)
        assert heartbeats.seen(frqueue, 60) == {}

    def test_who_was_not_seen_for_a_day_is_forgotten(self, frqueue: redis.Redis) -> None:
        frqueue.zadd(heartbeats.KEY, {"old@host": time.time() - 25 * 3600})
        heartbeats.tell(frqueue, NAME)
        assert frqueue.zrange(heartbeats.KEY, 0, -1) == [NAME.encode()]


class TestStep:
    """The step of a worker, on a timer that only turns when it is told to."""

    @pytest.fixture
    def parent(self) -> SimpleNamespace:
        conf = SimpleNamespace(redis_instance="frqueue")
        return SimpleNamespace(hostname=NAME, timer=Timer(), app=SimpleNamespace(conf=conf))

    def turn(self, parent: SimpleNamespace) -> None:
        """Do what is due by the timer, however far away."""
        for entry in [scheduled.entry for scheduled in parent.timer.queue]:
            if not entry.canceled:
                entry()

    def test_beats_as_the_loop_turns(self, parent: SimpleNamespace, frqueue: redis.Redis) -> None:
        step = Heartbeat(parent)
        step.start(parent)
        frqueue.delete(heartbeats.KEY)
        heartbeats.remove(NAME)
        assert heartbeats.age(NAME) is None
        self.turn(parent)
        assert heartbeats.age(NAME) is not None
        assert list(heartbeats.seen(frqueue, 60)) == [NAME]

    @pytest.mark.usefixtures("frqueue")
    def test_not_after_the_connection_is_lost(self, parent: SimpleNamespace) -> None:
        step = Heartbeat(parent)
        step.start(parent)
        step.stop(parent)
        heartbeats.remove(NAME)
        self.turn(parent)
        assert heartbeats.age(NAME) is None

    def test_takes_leave_at_the_end(self, parent: SimpleNamespace, frqueue: redis.Redis) -> None:
        step = Heartbeat(parent)
        step.start(parent)
        step.shutdown(parent)
        assert heartbeats.age(NAME) is None
        assert heartbeats.seen(frqueue, 60) == {}

    @pytest.mark.usefixtures("frqueue")
    def test_goes_on_without_a_place_for_its_file(
        self,
        parent: SimpleNamespace,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("HEARTBEAT_DIR", str(tmp_path / "file"))
        Heartbeat(parent).start(parent)
        assert "no heartbeat for probes: File exists" in caplog.text
        assert list(heartbeats.seen(instances.client("frqueue"), 60)) == [NAME]
