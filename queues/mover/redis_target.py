"""Lists of ours in a Redis as a target.

A PgQ transaction has as many events as it has, and a script that pushes them all would hold up
everybody else. So a batch goes in parts, each one script (:func:`queues.batches.put`) that pushes
and sets the fence. Between two parts the fence tells where the batch begins and ends, how many of
its messages are there, and which, so the next turn goes on behind them.

There is no lock that lasts from reading the position to the last push. Instead each part is
pushed only if the fence is where it was when it was read: of two movers one goes on, and the
other is :class:`Busy`, and reads again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import redis

from queues import batches, instances
from queues.mover import messages
from queues.mover.interface import Busy, Consumer, Event, LostPosition, NotRegistered
from queues.mover.redis_answers import answering, passage
from queues.routes import routes

#: A part of a batch: so many messages, or so many bytes with the last one.
PART = 1000
PART_BYTES = 4 * 2**20
_NOWHERE = "-"


class Push(NamedTuple):
    """A message for a list, and the id of its event."""

    queue: str
    body: bytes
    event: str


class Reached(NamedTuple):
    """What the fence says within a batch: from where to where it goes, how many of its messages
    are there, and a digest over where they were pushed and of which events they are.
    """

    previous: str
    position: str
    done: int
    digest: str


@dataclass
class RedisTransaction:
    """One batch on its way; pushes are collected, and made by ``commit``."""

    client: redis.Redis
    passage: str
    consumer: Consumer
    fence: str
    pushes: list[Push] = field(default_factory=list)

    @property
    def position(self) -> str | None:
        """Where the target is: within a batch it is still where that begins."""
        reached = _reached(self.fence)
        position = reached.previous if reached else self.fence
        return position if position != _NOWHERE else None

    def put(self, queue: str, events: Iterable[Event]) -> int:
        """Raises ``KeyError`` for a list that no worker would read."""
        if queue not in routes():
            raise KeyError(queue)
        before = len(self.pushes)
        for event in events:
            _, body = messages.message(self.consumer, event)
            self.pushes.append(Push(queue, body, event.id))
        return len(self.pushes) - before

    def set_aside(self, queue: str, event: Event, reason: str) -> None:
        """On the damaged list, whose consumer shows it to people."""
        damaged, entry = messages.dead_letter(self.consumer, queue, event, reason)
        self.pushes.append(Push(damaged, entry, event.id))

    def commit(self, position: str) -> None:
        """Push what is not there yet.

        Raises :class:`Busy` when another mover is faster, and :class:`LostPosition` when what
        is there is the beginning of another batch.
        """
        reached = _reached(self.fence) or Reached(self.fence, position, 0, "")
        digest = hashlib.sha256()
        for push in self.pushes[: reached.done]:
            _digest(digest, push)
        if reached.position != position or reached.digest not in ("", digest.hexdigest()):
            raise LostPosition(
                f"the target has {reached.done} messages of a batch to {reached.position} that "
                f"is another now; `--reset` puts this one whole, which may repeat them"
            )
        done = reached.done
        for part in _parts(self.pushes[done:]):
            for push in part:
                _digest(digest, push)
            done += len(part)
            to = Reached(reached.previous, position, done, digest.hexdigest())
            is_last = done == len(self.pushes)
            self._push(part, position if is_last else json.dumps(to))
        if done == reached.done:
            self._push([], position)

    def _push(self, part: list[Push], fence: str) -> None:
        pushes = [(push.queue, push.body) for push in part]
        try:
            with answering(self.client, "target"):
                batches.put(self.client, self.passage, self.fence, fence, pushes)
        except batches.OutOfStep as error:
            raise Busy(str(error)) from error
        self.fence = fence


class RedisTarget:
    """A Redis with lists of ours."""

    def __init__(self, url: str) -> None:
        """``url`` as :func:`queues.instances.connect` takes it."""
        self._client = instances.connect(url)

    def register(self, consumer: Consumer) -> None:
        """Set a fence that says nowhere, unless there is one."""
        with answering(self._client, "target"), suppress(batches.OutOfStep):
            batches.put(self._client, _passage(consumer), "", _NOWHERE, [])

    def position(self, consumer: Consumer) -> str | None:
        """As the fence tells."""
        return self._transaction(consumer).position

    def forget(self, consumer: Consumer) -> None:
        """Set the fence to nowhere, out of a batch too."""
        with answering(self._client, "target"):
            if batches.fence(self._client, _passage(consumer)):
                batches.forget(self._client, _passage(consumer))
                self.register(consumer)

    @contextmanager
    def transaction(self, consumer: Consumer) -> Iterator[RedisTransaction]:
        """What is collected and not committed is dropped."""
        yield self._transaction(consumer)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _transaction(self, consumer: Consumer) -> RedisTransaction:
        passage = _passage(consumer)
        with answering(self._client, "target"):
            fence = batches.fence(self._client, passage)
        if fence is None:
            raise NotRegistered(f"the target does not know {passage}")
        return RedisTransaction(self._client, passage, consumer, fence.position)


def _passage(consumer: Consumer) -> str:
    return passage("from", consumer.source, consumer.queue, consumer.name)


def _reached(fence: str) -> Reached | None:
    """What a fence says within a batch; None where it stands between two, at a position."""
    # No source's position begins like a list of JSON.
    if not fence.startswith("["):
        return None
    return Reached(*json.loads(fence))


def _digest(digest: "hashlib._Hash", push: Push) -> None:
    digest.update(json.dumps([push.queue, push.event]).encode())


def _parts(pushes: Iterable[Push]) -> Iterator[list[Push]]:
    """The pushes in parts, in order; none for none."""
    part: list[Push] = []
    size = 0
    for push in pushes:
        part.append(push)
        size += len(push.body)
        if len(part) == PART or size >= PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
