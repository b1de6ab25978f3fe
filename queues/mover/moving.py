"""The turn of a mover: one batch from its source into its target, once."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from queues.mover.interface import (
    Away,
    Batch,
    Consumer,
    Event,
    LostPosition,
    NotRegistered,
    PoisonEvent,
    Source,
    Target,
    Transaction,
)

log = logging.getLogger(__name__)

FIELDS = ("extra1", "extra2", "extra3", "extra4", "type")
# Events that are sorted by their target queue at once, and that are tried again in halves.
CHUNK = 1000
NO_QUEUE = "the target has no such queue"

Chooses = Callable[[Event], str]
Poison = Literal["set_aside", "stop"]


def by_field(name: str) -> Chooses:
    """What chooses the target queue of an event by one of its ``FIELDS``.

    The function raises ``PoisonEvent`` for an event that has nothing there. Raises
    ``ValueError`` for another field.
    """
    if name not in FIELDS:
        raise ValueError(f"{name} is no field to choose a queue by: {', '.join(FIELDS)}")

    def choose(event: Event) -> str:
        queue: str | None = getattr(event, name)
        if not queue:
            raise PoisonEvent(f"its {name} names no queue")
        return queue

    return choose


@dataclass(frozen=True)
class Moved:
    """What a turn did. ``known``: the target had the batch already, only its end was lost."""

    position: str
    events: int
    set_aside: int = 0
    known: bool = False


@dataclass
class Mover:
    """Moves the queue ``source_queue`` of a source into a target, as the consumer ``name``.

    ``queue`` is where to: a name, or what chooses one for each event. An event that cannot be
    put, or whose queue is not there, fails the whole batch ``poison_tries`` times, in which a
    person may mend the cause; then it alone is set aside in the target, where ``poison`` says so.
    """

    source: Source
    target: Target
    source_queue: str
    name: str
    queue: str | Chooses
    poison: Poison = "set_aside"
    poison_tries: int = 3
    _failed: tuple[str, int] = field(default=("", 0), init=False)

    @property
    def consumer(self) -> Consumer:
        """Whose position the target keeps. Raises ``Away``."""
        return Consumer(self.source.identity, self.source_queue, self.name)

    def register(self) -> bool:
        """Begin to keep events from now on; False if it was registered before."""
        self.target.register(self.consumer)
        new = self.source.register()
        if new:
            # Registered anew, what the target knew of an earlier time means nothing. A crash
            # just before this leaves a lost position, which `forget` mends as well.
            self.target.forget(self.consumer)
        return new

    def unregister(self) -> bool:
        """The end of it; False if it was not registered."""
        there = self.source.unregister()
        with suppress(NotRegistered):  # there is nothing to forget then
            self.target.forget(self.consumer)
        return there

    def rewind(self) -> str | None:
        """Let the source go on where the target is; where that is, None for nowhere.

        Raises ``LostPosition`` when the source does not know that place any more.
        """
        position = self.target.position(self.consumer)
        if position is not None:
            self.source.rewind(position)
        return position

    def reset(self) -> None:
        """Let the target forget its position: the source's next batch is put, whatever it is."""
        self.target.forget(self.consumer)

    def turn(self) -> Moved | None:
        """Move the next batch; None if there is nothing yet.

        A batch without events moves the position too. Raises ``Away``, ``NotRegistered`` and
        ``LostPosition``, and ``PoisonEvent`` while a poison event holds up the batch; nothing of
        the batch was put then, and the next turn has it again.
        """
        batch = self.source.next_batch()
        if batch is None:
            return None
        with self.target.transaction(self.consumer) as transaction:
            moved = self._take(batch, transaction)
        self.source.finish(batch)
        self._failed = ("", 0)
        return moved

    def _take(self, batch: Batch, transaction: Transaction) -> Moved:
        there = transaction.position
        if there == batch.position:
            return Moved(batch.position, 0, known=True)
        if there not in (None, batch.previous):
            self._still_open(batch)
            raise LostPosition(
                f"the target of {self.name} is at {there}, but the next batch of "
                f"{self.source_queue} goes from {batch.previous} to {batch.position}: "
                "`--rewind` moves the source to where the target is, `--reset` lets the target "
                "take this batch, which may repeat or leave out events"
            )
        moved = self._put(batch, transaction)
        transaction.commit(batch.position)
        return moved

    def _still_open(self, batch: Batch) -> None:
        """That it is, under the target's lock: another mover may have finished it before."""
        now = self.source.next_batch()
        if now is None or now.position != batch.position:
            raise Away(f"another mover {self.name} was faster")

    def _put(self, batch: Batch, transaction: Transaction) -> Moved:
        if self.poison == "set_aside" and self._tries(batch) >= self.poison_tries:
            sieve = _Sieve(transaction)
            for queue, events in self._groups(batch.events(), sieve.set_aside):
                try:
                    sieve.put(queue, events)
                except KeyError:
                    self._blame_queue()
                    for event in events:
                        sieve.set_aside(queue, event, NO_QUEUE)
            return Moved(batch.position, sieve.events, sieve.aside)
        try:
            return Moved(batch.position, self._put_whole(batch.events(), transaction))
        except PoisonEvent:
            self._failed = (batch.position, self._tries(batch) + 1)
            raise

    def _put_whole(self, events: Iterable[Event], transaction: Transaction) -> int:
        try:
            if isinstance(self.queue, str):
                return transaction.put(self.queue, events)
            groups = self._groups(events, _refuse)
            return sum(transaction.put(queue, group) for queue, group in groups)
        except KeyError:
            self._blame_queue()
            raise PoisonEvent(NO_QUEUE) from None

    def _blame_queue(self) -> None:
        """A queue is not there: that is no event's fault where all go to the same."""
        if isinstance(self.queue, str):
            raise Away(f"the target has no queue {self.queue}")

    def _groups(
        self, events: Iterable[Event], lost: Callable[[str, Event, str], None]
    ) -> Iterator[tuple[str, list[Event]]]:
        """The events by target queue, in order within each; ``lost`` gets those without one."""
        stream = iter(events)
        while chunk := list(islice(stream, CHUNK)):
            if isinstance(self.queue, str):
                yield self.queue, chunk
                continue
            groups: dict[str, list[Event]] = defaultdict(list)
            for event in chunk:
                try:
                    groups[self.queue(event)].append(event)
                except PoisonEvent as error:
                    lost("", event, str(error))
            yield from groups.items()

    def _tries(self, batch: Batch) -> int:
        position, tries = self._failed
        return tries if position == batch.position else 0


@dataclass
class _Sieve:
    """Puts what can be put, and sets aside the rest."""

    transaction: Transaction
    events: int = 0
    aside: int = 0

    def put(self, queue: str, events: list[Event]) -> None:
        """By halves, so that a few poison events among many cost little.

        Raises ``KeyError``, before anything is put, for a queue that is not there.
        """
        try:
            self.events += self.transaction.put(queue, events)
        except PoisonEvent as error:
            if len(events) == 1:
                self.set_aside(queue, events[0], str(error))
            else:
                half = len(events) // 2
                self.put(queue, events[:half])
                self.put(queue, events[half:])

    def set_aside(self, queue: str, event: Event, reason: str) -> None:
        """In the batch's transaction, and in the log by id."""
        self.transaction.set_aside(queue, event, reason)
        self.aside += 1
        log.error("event %s is set aside: %s", event.id, reason)


def _refuse(_queue: str, _event: Event, reason: str) -> None:
    raise PoisonEvent(reason)
