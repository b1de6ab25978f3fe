"""A Redis list of ours as a source.

A batch is in the hand of a passage (:mod:`queues.batches`) until it is finished. Where the
target is, is told by how many messages went through before and a digest over them all
(:mod:`queues.mover.positions`): a list that was restored from an older copy is noticed, and
`rewind` finds on it what was moved before.

Key map, beside that of the passage ``mover/<queue>/<consumer>``:

    moving:<passage>:identity    string   of this list, as long as this Redis keeps its data
    moving:<passage>:positions   hash     registered: since when; <batch>: the position after it,
                                          of the last two that were finished
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import cast

from queues import batches, instances, wire
from queues.mover import messages, positions
from queues.mover.interface import Backlog, Batch, Event, LostPosition, NotRegistered
from queues.mover.redis_answers import answering, passage

#: Messages in a batch, at most.
MOST = 1000
_REGISTERED = "registered"


@dataclass(frozen=True)
class RedisBatch:
    """Messages in hand."""

    taken: batches.Taken
    previous: str
    position: str

    def events(self) -> Iterator[Event]:
        """The messages as events, byte by byte."""
        now = datetime.now(UTC)
        return (messages.event(self.taken.queue, body, now) for body in self.taken.messages)


class RedisSource:
    """A list of a Redis, taken from by one consumer.

    Consumers of different names share the messages, as workers do; `rewind` then cannot tell
    which of them were moved.
    """

    def __init__(self, url: str, queue: str, consumer: str, most: int = MOST) -> None:
        """``url`` as :func:`queues.instances.connect` takes it."""
        self._client = instances.connect(url)
        self._queue, self._most = queue, most
        self._passage = passage(queue, consumer)
        self._positions = f"moving:{self._passage}:positions"
        self._identity = ""
        self._is_registered = False

    @property
    def identity(self) -> str:
        """Random, and kept in this Redis."""
        if not self._identity:
            key = f"moving:{self._passage}:identity"
            with answering(self._client, "source"):
                self._client.set(key, secrets.token_hex(16), nx=True)
                self._identity = cast(bytes, self._client.get(key)).decode()
        return self._identity

    def register(self) -> bool:
        """Begin; what stands on the list already will be moved too."""
        with answering(self._client, "source"):
            now = datetime.now(UTC).isoformat()
            return self._client.hsetnx(self._positions, _REGISTERED, now) == 1

    def unregister(self) -> bool:
        """Forget the passage; what was in hand goes back to the head of the list.

        While the mover is stopped by itself, not killed: else that may have been moved already.
        """
        self._is_registered = False
        with answering(self._client, "source"):
            batches.forget(self._client, self._passage)
            return self._client.delete(self._positions) == 1

    def next_batch(self) -> RedisBatch | None:
        """What is in hand, or else what can be taken."""
        if not self._is_registered:
            with answering(self._client, "source"):
                self._is_registered = self._client.hexists(self._positions, _REGISTERED)
            if not self._is_registered:
                raise NotRegistered(f"{self._passage} is not registered at the source")
        return self._take(self._most)

    def finish(self, batch: Batch) -> None:
        """Note the position and let go of what is in hand.

        In this order: after a kill in between, the same batch comes with the same position.
        """
        taken = cast(RedisBatch, batch).taken
        with answering(self._client, "source"):
            self._client.hset(self._positions, taken.position, batch.position)
            self._client.hdel(self._positions, f"{taken.epoch}.{taken.number - 2}")
            batches.release(self._client, self._passage, taken.position)

    def rewind(self, position: str) -> None:
        """Drop from the head of the list what was moved before.

        That can be done to a list that was restored from an older copy. It cannot go back: what
        was let go is nowhere here.
        """
        batch = self._take(1)
        if batch is None:
            raise LostPosition(f"{self._queue} is empty, so {position} cannot be found on it")
        digests: list[str] = []
        behind = _noting(chain(batch.taken.messages, self._waiting()), digests)
        del digests[positions.distance(batch.previous, position, behind) :]
        self._give_back(batch)
        while digests:
            batch = self._take(len(digests))
            found = [wire.digest(body) for body in batch.taken.messages] if batch else []
            if batch is None or found != digests[: len(found)]:
                raise LostPosition(f"somebody else takes from {self._queue}")
            self.finish(batch)
            del digests[: len(found)]

    def backlog(self) -> Backlog:
        """By when the oldest message was pushed, as far as it says so."""
        with answering(self._client, "source"):
            held = batches.held(self._client, self._passage)
            in_hand = held.messages if held else []
            waiting = self._client.llen(self._queue)
            first = in_hand[:1] or cast(list[bytes], self._client.lrange(self._queue, 0, 0))
        now = datetime.now(UTC)
        oldest = messages.event(self._queue, first[0], now).time if first else now
        return Backlog(max((now - oldest).total_seconds(), 0), len(in_hand) + waiting)

    def close(self) -> None:
        """Close the connections."""
        self._identity, self._is_registered = "", False
        self._client.close()

    def _take(self, most: int) -> RedisBatch | None:
        with answering(self._client, "source"):
            while taken := batches.take(self._client, self._queue, self._passage, most):
                previous = self._end_of(taken.previous)
                if previous:
                    position = positions.after(previous, taken.messages)
                    return RedisBatch(taken, previous, position)
                # Or else another mover of this name has finished it, and the one after it.
                if batches.held(self._client, self._passage) == taken:
                    raise LostPosition(f"batch {taken.previous} was never finished")
        return None

    def _end_of(self, batch: str) -> str:
        """The position after a batch; empty if that is not known."""
        if not batch:
            return positions.START
        return (cast(bytes | None, self._client.hget(self._positions, batch)) or b"").decode()

    def _give_back(self, batch: RedisBatch) -> None:
        """What is in hand goes back to the list; as a batch it was empty."""
        taken = batch.taken.position
        with answering(self._client, "source"):
            self._client.hset(self._positions, taken, batch.previous)
            batches.give_back(self._client, self._passage, taken)

    def _waiting(self) -> Iterator[bytes]:
        first = 0
        while True:
            with answering(self._client, "source"):
                last = first + MOST - 1
                found = cast(list[bytes], self._client.lrange(self._queue, first, last))
            if not found:
                return
            yield from found
            first += len(found)


def _noting(bodies: Iterable[bytes], digests: list[str]) -> Iterator[bytes]:
    for body in bodies:
        digests.append(wire.digest(body))
        yield body
