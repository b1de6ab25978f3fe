"""The worker under measurement: ``celery -A fundraising worker -c 2``, prefork."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.databases import ROOT

CHILDREN = 2
PATIENCE = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
# In /proc/PID/stat behind the name: user and system time are the 12th and 13th.
_TIMES = slice(11, 13)


class Worker:
    """A worker, listening to some queues (and their damaged ones) while it is entered."""

    def __init__(self, environment: Mapping[str, str], queues: Sequence[str], log: Path) -> None:
        self._environment = dict(environment)
        self._queues = queues
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "celery", "-A", "fundraising", "worker"]
        command += ["-c", str(CHILDREN), "-Q", ",".join(self._queues)]
        setpriv = shutil.which("setpriv")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*([setpriv, "--pdeathsig", "TERM"] if setpriv else []), *command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._running
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL all its processes."""
        process = self._running
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def cpu_seconds(self) -> float:
        """User and system time of all its processes until now."""
        pids = [self._running.pid, *_children(self._running.pid)]
        return sum(_cpu_seconds(pid) for pid in pids)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the worker was not started")
        return self._process


def _children(pid: int) -> list[int]:
    """The processes that a process has forked, and theirs."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[_TIMES]) / _TICKS
