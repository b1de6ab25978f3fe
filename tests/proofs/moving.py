"""A mover in a process of its own, to be killed: at a named step, or whenever somebody likes.

Processes are forked from a server that has loaded everything, so that hundreds cost little. What
runs in them is the mover of a configuration file, turn after turn; only its batches are small.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from queues import batches
from queues.mover import places, redis_target
from queues.mover.config import load
from queues.mover.interface import Away, LostPosition
from queues.mover.outbox_source import OutboxSource
from queues.mover.outbox_target import OutboxTransaction
from queues.mover.pgq.source import PgqSource
from queues.mover.pgq.target import PgqTransaction
from queues.mover.redis_source import RedisSource
from queues.mover.redis_target import RedisTransaction
from queues.routes import routes

routes()  # which loads the schemas of all messages

_CONTEXT = multiprocessing.get_context("forkserver")
# pytest too: each process loads what the main module of this one asks for.
_CONTEXT.set_forkserver_preload([__name__, "pytest"])

DONE, LOST = 0, 3
#: Messages in a batch of a list or an outbox, and in one part of a batch on its way to a list.
BATCH, PART = 40, 15


class Step(NamedTuple):
    """An instant: just before or after the so-manieth call of a function."""

    owners: tuple[Any, ...]
    function: str
    is_after: bool
    call: int = 2


BEFORE, AFTER = False, True
_SOURCES = (PgqSource, RedisSource, OutboxSource)
_TRANSACTIONS = (PgqTransaction, RedisTransaction, OutboxTransaction)

#: Around what is durable in each turn, of any pair.
STEPS = {
    "after the batch is taken": Step(_SOURCES, "next_batch", AFTER),
    "after the events are put": Step(_TRANSACTIONS, "put", AFTER),
    "before the commit": Step(_TRANSACTIONS, "commit", BEFORE),
    "after the commit": Step(_TRANSACTIONS, "commit", AFTER),
    "before the batch is finished": Step(_SOURCES, "finish", BEFORE),
    "after the batch is finished": Step(_SOURCES, "finish", AFTER),
}
#: Only where a Redis is the source, or the target.
SOURCE_STEPS = {
    "after messages are in hand": Step((batches,), "take", AFTER),
    "before the hand is emptied": Step((batches,), "release", BEFORE),
}
TARGET_STEPS = {
    "before a part of the batch": Step((batches,), "put", BEFORE, call=3),
    "after a part of the batch": Step((batches,), "put", AFTER, call=3),
}


class Moving:
    """A mover's process."""

    def __init__(
        self, ini: Path, *, step: str = "", endless: bool = False, small: bool = True
    ) -> None:
        """Killed at ``step``, if one is named; ``endless`` waits for more when all is moved;
        ``small`` has batches and parts of a few messages.
        """
        self._says, says = _CONTEXT.Pipe(duplex=False)
        self._said: list[str] = []
        self._process: ForkServerProcess = _CONTEXT.Process(
            target=_run, args=(ini, step, endless, small, says), daemon=True
        )
        self._process.start()
        says.close()

    def wait_until_begun(self) -> None:
        """Until it is about to make its first turn."""
        self._wait_for("begun")

    def wait_until_moved(self) -> None:
        """Until it has moved a batch."""
        self._wait_for("moved")

    def _wait_for(self, word: str, seconds: float = 60) -> None:
        while word not in self._said:
            assert self._says.poll(seconds), f"it has not {word} within {seconds} s"
            self._said.append(self._says.recv())

    def kill9(self) -> None:
        """SIGKILL, wherever it is; it must not have ended by itself."""
        self._process.kill()
        status = self.wait()
        assert status == -signal.SIGKILL, f"it ended with {status}"

    def wait(self, seconds: float = 120) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        self._process.join(seconds)
        status = self._process.exitcode
        assert status is not None, f"it has not ended after {seconds} s"
        self._says.close()
        self._process.close()
        return status


@contextmanager
def moving(ini: Path, *, small: bool = True) -> Iterator[Moving]:
    """One that waits for more, and is killed in the end."""
    process = Moving(ini, endless=True, small=small)
    process.wait_until_begun()
    try:
        yield process
    finally:
        process.kill9()


def move(ini: Path, *, small: bool = True) -> int:
    """Move until there is nothing more; the exit status."""
    return Moving(ini, small=small).wait()


def _run(ini: Path, step: str, endless: bool, small: bool, says: Connection) -> None:
    mover = places.mover(load(ini))
    if small:
        redis_target.PART = PART
        if isinstance(mover.source, RedisSource | OutboxSource):
            mover.source._most = BATCH
    if step:
        _arm((STEPS | SOURCE_STEPS | TARGET_STEPS)[step])
    says.send("begun")
    has_moved = False
    while True:
        try:
            moved = mover.turn()
        except Away:
            time.sleep(0.01)
            continue
        except LostPosition:
            os._exit(LOST)
        if moved is None:
            if not endless:
                os._exit(DONE)
            time.sleep(0.001)
        elif not has_moved:
            has_moved = True
            says.send("moved")


def _arm(step: Step) -> None:
    calls = 0

    def armed(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step.call and not step.is_after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if calls == step.call and step.is_after:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for owner in step.owners:
        setattr(owner, step.function, armed(getattr(owner, step.function)))
