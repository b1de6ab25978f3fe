"""Child processes that are kept running, end with their parent and are ended in order."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

Write = Callable[[str, str], None]

# Where manage.py and the configurations of gunicorn and Flower are.
ROOT = Path(__file__).resolve().parent.parent.parent

# Seconds. A process that dies at once is not started in a tight loop.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# Seconds after which a process that has died before counts as healthy again.
HEALTHY_AFTER = 60.0


@dataclass(frozen=True)
class Program:
    """What to run: a name for its lines of output, a command, what it adds to the environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT


class Process:
    """A running program, the leader of a process group.

    Start it in the main thread: the kernel asks it to end (SIGTERM) when the thread that
    started it is gone, so that nothing is left of a parent that was killed.
    """

    def __init__(self, program: Program, write: Write) -> None:
        """``write`` gets the program's name and each line of its output, in another thread."""
        self.program = program
        self.started_at = time.monotonic()
        self._popen = subprocess.Popen(
            [*_ends_with_parent(), *program.command],
            env={**os.environ, **program.environment},
            cwd=program.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, args=(write,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id, which is that of its group too."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._popen.poll()

    def kill_main(self) -> None:
        """SIGKILL to the process alone, as a crash; its children are left to themselves."""
        self._popen.kill()
        self._popen.wait()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); does not wait."""
        if self.returncode is None:
            self._popen.terminate()

    def end(self, patience: float) -> None:
        """Wait ``patience`` seconds for it to end, then SIGKILL it and what it left behind."""
        try:
            self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._kill_group()
        self._reader.join(timeout=1)

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # the usual case: it left nothing behind

    def _read(self, write: Write) -> None:
        stdout = self._popen.stdout
        if stdout is not None:
            with stdout:
                for line in stdout:
                    write(self.program.name, line.rstrip("\n"))


class Keeper:
    """Keeps programs running: starts again what ends by itself."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._running: list[Process] = []
        self._pauses: dict[str, float] = {}
        # Programs that have died, and when they are started again.
        self._due: dict[str, tuple[Program, float]] = {}

    def start(self, program: Program) -> Process:
        """Start a program, and keep it running from now on."""
        process = Process(program, self._write)
        self._running.append(process)
        return process

    def tend(self) -> None:
        """Start again what has died; call this every second or so."""
        now = time.monotonic()
        for process in [one for one in self._running if one.returncode is not None]:
            self._running.remove(process)
            process.end(0)
            name = process.program.name
            if now - process.started_at > HEALTHY_AFTER:
                self._pauses.pop(name, None)
            pause = self._pauses.get(name, FIRST_PAUSE)
            self._pauses[name] = min(pause * 2, LONGEST_PAUSE)
            self._due[name] = (process.program, now + pause)
            self._write(name, f"ended ({process.returncode}), starts again in {pause:.0f} s")
        for name, (program, at) in list(self._due.items()):
            if at <= now:
                del self._due[name]
                self.start(program)

    def stop(self, patience: float) -> None:
        """End all, together; what has not ended after ``patience`` seconds is killed."""
        self._due.clear()
        deadline = time.monotonic() + patience
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.end(max(deadline - time.monotonic(), 0))
        self._running.clear()


def _ends_with_parent() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []
