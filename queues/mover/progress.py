"""What a mover tells of itself, into Django's database from a thread of its own.

Nobody waits for it: where that database is away or slow, events are moved all the same.
"""

import logging
import os
import socket
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Self

from queues.mover.interface import Backlog
from queues.mover.moving import Moved

log = logging.getLogger(__name__)

# Seconds: between two writes, without news, and for the last one when the mover ends.
WRITE_EVERY = 1.0
SIGN_OF_LIFE_EVERY = 10.0
_LAST_WRITE = 5.0
# Seconds that the rate is the mean of.
_RATE_OVER = 60.0


class Progress:
    """``with Progress(job_name) as progress:``; its calls cost nothing and raise nothing."""

    def __init__(self, job_name: str) -> None:
        self._job_name = job_name
        self._began = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        self._news: dict[str, object] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started_at": _now(),
            "stopped_at": None,
        }
        self._events = 0
        self._set_aside = 0
        self._failing: bool | None = None
        self._ended = threading.Event()
        self._silent = False
        self._writer = threading.Thread(target=self._write_on, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tell(stopped_at=_now())
        self._ended.set()
        self._writer.join(_LAST_WRITE)

    def configured(self, **columns: str) -> None:
        """Between what it moves."""
        self._tell(**columns)

    def moved(self, moved: Moved) -> None:
        """A batch is on the target."""
        with self._lock:
            self._events += moved.events
            self._set_aside += moved.set_aside
        self._recent.append((time.monotonic(), moved.events))
        self._tell(position=moved.position)
        if moved.events or moved.set_aside:
            self._tell(batch_events=moved.events + moved.set_aside, moved_at=_now())

    def measured(self, backlog: Backlog) -> None:
        """How much there is to move, by the source."""
        now = time.monotonic()
        while self._recent and now - self._recent[0][0] > _RATE_OVER:
            self._recent.popleft()
        rate = sum(events for _, events in self._recent) / min(
            _RATE_OVER, max(now - self._began, 1.0)
        )
        self._tell(
            lag_seconds=backlog.seconds,
            backlog_events=backlog.events,
            events_per_second=rate,
            measured_at=_now(),
        )

    def failed(self, text: str) -> None:
        """A turn failed; ``text`` holds nothing of an event."""
        self._failing = True
        self._tell(failing=True, error=text[:500], error_at=_now())

    def works(self) -> None:
        """A turn did not fail."""
        if self._failing is not False:
            self._failing = False
            self._tell(failing=False)

    def _tell(self, **columns: object) -> None:
        with self._lock:
            self._news |= columns

    def _write_on(self) -> None:
        written_at = time.monotonic()
        ended = False
        while not ended:
            ended = self._ended.wait(WRITE_EVERY)
            if ended or self._news or time.monotonic() - written_at > SIGN_OF_LIFE_EVERY:
                self._write()
                written_at = time.monotonic()
        if not self._silent:
            from django.db import connection

            connection.close()

    def _write(self) -> None:
        with self._lock:
            news, events, set_aside = self._news, self._events, self._set_aside
            self._news, self._events, self._set_aside = {}, 0, 0
        try:
            _record(self._job_name, news, events, set_aside)
        except Exception as error:  # noqa: BLE001  (whatever it is, events are moved all the same)
            with self._lock:
                self._news = news | self._news
                self._events += events
                self._set_aside += set_aside
            if not self._silent:
                log.warning("its state is not recorded for now: %s", type(error).__name__)
            self._silent = True
        else:
            self._silent = False


def _record(job_name: str, news: dict[str, object], events: int, set_aside: int) -> None:
    """Django is loaded at the first write only: a mover is at work long before."""
    from queues.mover import django_apps

    django_apps.load()
    from queues.mover import state

    state.record(job_name, news, events=events, set_aside=set_aside)


def _now() -> datetime:
    return datetime.now(UTC)
