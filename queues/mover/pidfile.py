"""The file that says which process a mover is, and lets one be at a time on this machine.

What counts is the lock on the file, which ends with its process however that ends; the number
alone would be a stranger's after a crash.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

# Seconds for what takes none: another process only looks at the lock, or writes its number.
_PATIENCE = 0.5


class Taken(Exception):
    """Another process has the file; ``args[0]`` says which."""


class Pidfile:
    """``with Pidfile(path) as pidfile: pidfile.write()``; removed at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> Self:
        """Lock it, for this process and those that it forks. Raises :class:`Taken`, ``OSError``."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + _PATIENCE
        while not self._lock():
            if time.monotonic() > deadline:
                raise Taken(f"it runs already: process {_number(self._path)}")
            time.sleep(0.02)
        os.ftruncate(self._fd, 0)
        return self

    def write(self) -> None:
        """Say that it is this process."""
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._fd)

    def _lock(self) -> bool:
        """Not while another has it, if only to look; nor when its owner has just removed it."""
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            return False
        if self._is_there():
            return True
        os.close(self._fd)
        return False

    def _is_there(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._fd))


def running(path: Path) -> int | None:
    """The number of the process that has the file, None when none has.

    Raises ``OSError`` for a file that cannot be read.
    """
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _number(path)
    return None


def _number(path: Path) -> int | None:
    """What stands in the file, as soon as something does; None if it is gone meanwhile."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        if text.endswith("\n"):
            return int(text)
        time.sleep(0.01)
    return None
