"""What signals ask of a mover: it is done between two turns."""

import os
import select
import signal
import time
from types import FrameType
from typing import Self

# A second signal to stop within so many seconds of the first does not wait for the turn's end.
AT_ONCE_WITHIN = 1.0

_STOPS = (signal.SIGINT, signal.SIGTERM)


class AtOnce(KeyboardInterrupt):
    """Asked to stop a second time: whatever is going on is rolled back. ``args[0]``: by what.

    Of a class that database drivers know: they cancel the query that they wait for.
    """


class Signals:
    """HUP, INT and TERM while this context lasts. In the main thread only."""

    def __init__(self) -> None:
        self.stop = False
        self.reload = False
        self._asked_at = -AT_ONCE_WITHIN
        self._reader, self._writer = -1, -1
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        # A pipe, since what waits for it is woken by a signal that came just before the wait too.
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in _STOPS:
            self._former[number] = signal.signal(number, self._to_stop)
        self._former[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._to_reload)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a signal comes."""
        select.select([self._reader], [], [], seconds)
        self._drain()

    def _drain(self) -> None:
        try:
            os.read(self._reader, 1024)
        except BlockingIOError:
            return

    def _wake(self) -> None:
        try:
            os.write(self._writer, b".")
        except BlockingIOError:
            return  # it is full: there is enough to wake up by

    def _to_stop(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._asked_at < AT_ONCE_WITHIN:
            raise AtOnce(signal.Signals(number).name)
        self._asked_at = now
        self.stop = True
        self._wake()

    def _to_reload(self, _number: int, _frame: FrameType | None) -> None:
        self.reload = True
        self._wake()
