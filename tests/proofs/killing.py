"""Runs what talks to a database and to Redis in a process that is killed at a step of it."""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper


def killed_at(step: int, run: Callable[[], object]) -> bool:
    """Run it, and SIGKILL it before or after its so-manieth statement, commit or Redis command.

    False if it came to its end before. Raises AssertionError if it failed.
    """
    _, status = os.waitpid(_fork(lambda: _run_to(step, run)), 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "it failed, see its output"
    return False


@contextmanager
def looping(run: Callable[[], object], *, processes: int) -> Iterator[None]:
    """Within, processes do it again and again; none is interrupted in it."""
    go_on = Path(tempfile.mkstemp(prefix="looping-")[1])

    def loop() -> None:
        while go_on.exists():
            run()

    pids = [_fork(loop) for _ in range(processes)]
    try:
        yield
    finally:
        go_on.unlink()
        statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    assert not any(statuses), "one failed, see its output"


def _fork(run: Callable[[], object]) -> int:
    connection.close()  # a child must not use its parent's
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        run()
        status = 0
    except BaseException:  # noqa: BLE001  whatever it is, the test ends in the parent only
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def _run_to(step: int, run: Callable[[], object]) -> None:
    left = step

    def tick() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepping(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            tick()
            result = function(*args, **kwargs)
            tick()
            return result

        return call

    for owner, name in (
        (CursorWrapper, "execute"),
        (BaseDatabaseWrapper, "commit"),
        (redis.Redis, "execute_command"),
    ):
        setattr(owner, name, stepping(getattr(owner, name)))
    run()
