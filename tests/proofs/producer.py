"""A producer that goes on while servers come and go."""

import threading
import time
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.proofs import books
from tests.workers import Stand


class Producer(threading.Thread):
    """Pushes donations one by one, at most so many waiting; notes which Redis has taken.

    ``with Producer(stand, ...) as producer`` ends it at the end.
    """

    def __init__(self, stand: Stand, *, most: int, waiting: int, pause: float = 0.0) -> None:
        """``most`` in all, ``waiting`` on the list at a time, ``pause`` in seconds after each."""
        super().__init__(name="producer")
        # No second tries: an answer that does not come is to be known.
        never = Retry(NoBackoff(), 0)
        self._client = redis.Redis(host="127.0.0.1", port=stand.broker.port, retry=never)
        self._most, self._waiting, self._pause = most, waiting, pause
        self._is_over = threading.Event()
        self.acknowledged: list[dict[str, Any]] = []
        #: By gateway_txn_id: when Redis answered, by the monotonic clock.
        self.answered_at: dict[str, float] = {}
        #: Pushed without an answer: Redis may have taken them or not.
        self.unanswered: list[dict[str, Any]] = []

    def run(self) -> None:
        """Until it is ended, or has pushed all."""
        while not self._is_over.is_set() and len(self.acknowledged) < self._most:
            try:
                if self._client.llen(books.QUEUE) >= self._waiting:
                    time.sleep(0.01)
                    continue
            except redis.ConnectionError:
                time.sleep(0.05)  # it is away
                continue
            self._push(books.donation())
            time.sleep(self._pause)

    def _push(self, message: dict[str, Any]) -> None:
        try:
            self._client.rpush(books.QUEUE, books.wire(message))
        except redis.ConnectionError:
            self.unanswered.append(message)
        else:
            self.acknowledged.append(message)
            self.answered_at[message["gateway_txn_id"]] = time.monotonic()

    def end(self) -> None:
        """Push no more."""
        self._is_over.set()
        self.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
