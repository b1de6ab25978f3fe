"""The leases of what this process holds: kept alive, and ended even when Redis was away.

A lease outlives the channel that took it. After a lost connection Celery makes a new channel while
tasks of the old one still run; the new channel goes on renewing for them, and what could not be
told to Redis is told later.
"""

import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import ClassVar

import redis
from celery import signals

from queues import reserved

log = logging.getLogger(__name__)

#: A lease ends after this part of the visibility timeout, so that with the wait for the next sweep
#: what a dead worker held is back within the whole.
LEASE_PART = 3 / 4
#: So often in a visibility timeout leases are renewed and swept; nine renewals may fail before one
#: is lost.
TICKS = 12

End = Callable[[redis.Redis, str], object]


class Leases:
    """What this process holds of one broker. Thread-safe: acks come from any thread of a pool."""

    _all: ClassVar[dict[tuple[int, str], "Leases"]] = {}

    def __init__(self, visibility_timeout: float) -> None:
        self.lease = visibility_timeout * LEASE_PART
        self.interval = visibility_timeout / TICKS
        self._held: dict[str, None] = {}
        # Ends that Redis has not been told yet: tag -> what to do.
        self._untold: dict[str, End] = {}
        self._ticked = float("-inf")
        # Of the newest channel: the thread that its loop runs in, and its client.
        self.thread = 0
        self.client: redis.Redis | None = None

    @classmethod
    def of(cls, broker: str, visibility_timeout: float) -> "Leases":
        """The leases of this process at `broker` (its URI). A forked child starts with none."""
        return cls._all.setdefault((os.getpid(), broker), cls(visibility_timeout))

    @classmethod
    def of_process(cls) -> list["Leases"]:
        """Of all brokers that this process takes messages from."""
        return [leases for (pid, _), leases in list(cls._all.items()) if pid == os.getpid()]

    def hold(self, tags: Iterable[str], thread: int | None = None) -> None:
        """Renew these from now on. `thread` is the one that the consuming loop runs in."""
        self._held.update(dict.fromkeys(tags))
        self.thread = thread or self.thread

    def end(self, tag: str, how: End, client: redis.Redis) -> None:
        """Tell Redis how a delivery ended; if Redis cannot be told now, keep the lease and tell it
        later.

        Never raises for Redis: Celery acknowledges from places where an exception ends the worker.
        """
        if tag in self._held:
            self._untold[tag] = how
            self.tell(client)

    def end_later(self, tag: str, how: End) -> None:
        """As `end`, at the next tick."""
        if tag in self._held:
            self._untold[tag] = how

    def tell(self, client: redis.Redis) -> None:
        """Tell Redis all ends that it does not know yet, up to the first that fails.

        The latest first: what is given back goes to the head, so the earliest ends up there.
        """
        for tag, how in sorted(self._untold.items(), key=itemgetter(0), reverse=True):
            if self._untold.pop(tag, None) is None:  # another thread was faster
                continue
            try:
                how(client, tag)
            except (redis.RedisError, OSError) as error:
                self._untold[tag] = how
                if len(self._untold) == 1:
                    log.warning("Redis: %s; deliveries are ended later", type(error).__name__)
                return
            self._held.pop(tag, None)

    def tick(self, client: redis.Redis) -> None:
        """Renew what is held and restore what the dead left, unless that was done a moment ago.

        Raises redis.RedisError.
        """
        now = time.monotonic()
        if now - self._ticked < self.interval * 0.9:
            return
        self._ticked = now
        self.client = client
        self.tell(client)
        held = list(self._held)
        # First what is ours, so that we never sweep it.
        for start in range(0, len(held), 1000):
            reserved.renew(client, held[start : start + 1000], self.lease)
        while restored := reserved.sweep(client, self.lease):
            log.warning("restored %d deliveries whose worker is gone", restored)


class _Keeper(threading.Thread):
    """Renews while the loop that would do it is blocked: by a task of the solo pool, or by a warm
    shutdown.

    Not in general, and not while nothing blocks it for a reason: a loop that hangs shall lose its
    leases.
    """

    def __init__(self) -> None:
        super().__init__(name="lease-keeper", daemon=True)
        self.blocked = False
        self.for_good = False

    def run(self) -> None:
        while True:
            time.sleep(min((leases.interval for leases in Leases.of_process()), default=1.0))
            if self.blocked or self.for_good:
                for leases in Leases.of_process():
                    if leases.client is not None:
                        try:
                            leases.tick(leases.client)
                        except (redis.RedisError, OSError) as error:
                            log.warning("Redis: %s; leases are not renewed", type(error).__name__)


@functools.cache
def _keeper(_pid: int) -> _Keeper:
    keeper = _Keeper()
    keeper.start()
    return keeper


def _in_loop_thread() -> bool:
    return any(leases.thread == threading.get_ident() for leases in Leases.of_process())


@signals.task_prerun.connect(weak=False)
def _block(**_: object) -> None:
    if _in_loop_thread():  # only with the solo pool
        _keeper(os.getpid()).blocked = True


@signals.task_postrun.connect(weak=False)
def _unblock(**_: object) -> None:
    if _in_loop_thread():
        _keeper(os.getpid()).blocked = False


@signals.worker_shutting_down.connect(weak=False)
def _shutting_down(**_: object) -> None:
    if Leases.of_process():
        _keeper(os.getpid()).for_good = True
