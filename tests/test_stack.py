"""Processes that are kept running, and that end; and `manage.py up` as a whole."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from fundraising.stack.ports import answers, free_port
from fundraising.stack.processes import Keeper, Process, Program
from tests.image import copy_application

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]


def wait_for(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Wait until it holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not after {seconds} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs, which one that merely waits to be collected does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Lines(list[tuple[str, str]]):
    """What processes wrote."""

    def write(self, name: str, line: str) -> None:
        self.append((name, line))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def keeper(lines: Lines) -> Iterator[Keeper]:
    keeper = Keeper(lines.write)
    yield keeper
    keeper.stop(5)


def test_lines_come_with_the_name_of_their_program(keeper: Keeper, lines: Lines) -> None:
    keeper.start(Program("sleeper", SLEEP))
    wait_for(lambda: ("sleeper", "here") in lines, "its line")


def test_a_program_that_dies_is_started_again(keeper: Keeper, lines: Lines) -> None:
    process = keeper.start(Program("sleeper", SLEEP))
    wait_for(lambda: ("sleeper", "here") in lines, "its first line")
    os.kill(process.pid, signal.SIGKILL)

    def again() -> bool:
        keeper.tend()
        return lines.count(("sleeper", "here")) == 2

    wait_for(again, "the second start")
    assert ("sleeper", "ended (-9), starts again in 1 s") in lines


def test_a_program_that_always_dies_is_started_ever_more_rarely(
    keeper: Keeper, lines: Lines
) -> None:
    keeper.start(Program("stillborn", [sys.executable, "-c", "raise SystemExit(3)"]))

    def twice() -> bool:
        keeper.tend()
        return len(lines) == 2

    wait_for(twice, "the second end")
    assert [line for _, line in lines] == [
        "ended (3), starts again in 1 s",
        "ended (3), starts again in 2 s",
    ]


def test_what_a_killed_program_leaves_behind_is_ended_with_it(lines: Lines) -> None:
    parent = (
        "import subprocess, time; "
        "print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    process = Process(Program("parent", [sys.executable, "-c", parent]), lines.write)
    wait_for(lambda: lines, "the child")
    child = int(lines[0][1])
    process.kill_main()
    assert is_alive(child)
    process.end(0)
    wait_for(lambda: not is_alive(child), "the end of the child")


def test_a_program_that_does_not_want_to_end_is_killed(lines: Lines) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"
    )
    process = Process(Program("stubborn", [sys.executable, "-c", stubborn]), lines.write)
    wait_for(lambda: lines, "its start")
    process.terminate()
    process.end(0.1)
    assert process.returncode == -signal.SIGKILL


def test_a_port_that_somebody_has_is_not_taken() -> None:
    port = free_port()
    assert free_port(port) == port
    assert free_port(taken=[port]) != port
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: answers(port), "the server")
        assert free_port(port) != port
    finally:
        server.kill()
        server.wait()
    assert not answers(port)


class Up:
    """`manage.py up` in a copy of the project, so that it has a var/ of its own."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "up.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={key: value for key, value in os.environ.items() if not key.endswith("_URL")},
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def address(self, name: str) -> str:
        """From the table that it prints."""
        wait_for(lambda: f"\n{name} " in f"\n{self.output}", f"the address of {name}", 60)
        found = re.search(rf"^{name} +(\S+)", self.output, re.MULTILINE)
        assert found
        return found[1]

    def children(self) -> list[int]:
        """All processes that come from it."""
        parents = {int(pid.name): _parent(pid) for pid in Path("/proc").glob("[0-9]*")}
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found[1:]


def _parent(process: Path) -> int:
    try:
        return int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 (our own address)
        text: str = response.read().decode()
        return text


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    copy_application(tmp_path, without=())
    up = Up(tmp_path)
    yield up
    children = up.children()
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not any(map(is_alive, children)), "the end of what it started", 30)


@pytest.mark.proof
@pytest.mark.timeout(240)
def test_up_runs_everything_and_keeps_it_running(up: Up) -> None:
    frqueue = redis.Redis.from_url(up.address("frqueue"))
    assert redis.Redis.from_url(up.address("donor-prefs")).config_get("appendonly") == {
        "appendonly": "yes"
    }
    assert re.search(r"^login +admin +[\w-]{16} ", up.output, re.MULTILINE)
    admin = up.address("admin")
    wait_for(lambda: answers(int(admin.split(":")[2].split("/")[0])), "the admin", 60)
    assert "csrfmiddlewaretoken" in get(admin)

    frqueue.rpush("donations", b"not JSON")
    wait_for(lambda: not frqueue.llen("donations"), "the worker", 60)

    flower = up.address("Flower")
    wait_for(lambda: answers(int(flower.split(":")[2].strip("/"))), "Flower", 60)
    wait_for(lambda: 'task="queues.damaged"' in get(f"{flower}metrics"), "the task in Flower", 60)
    wait_for(lambda: "donations-damaged" in get(f"{flower}broker"), "the queue in Flower", 60)

    worker = next(
        child
        for child in up.children()
        if b"--hostname=frqueue-worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    )
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "frqueue-worker | ended (-9)" in up.output, "the notice", 30)
    frqueue.rpush("donations", b"not JSON either")
    wait_for(lambda: not frqueue.llen("donations"), "the next worker", 60)

    children = up.children()
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    wait_for(lambda: not any(map(is_alive, children)), "the end of all")
    assert "All stopped." in up.output


@pytest.mark.proof
@pytest.mark.timeout(120)
def test_nothing_is_left_of_up_when_it_is_killed(up: Up) -> None:
    up.address("Flower")
    wait_for(lambda: len(up.children()) >= 7, "its processes", 30)
    children = up.children()
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not any(map(is_alive, children)), "the end of all", 60)
