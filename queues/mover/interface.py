"""What the mover asks of a source and of a target; one adapter a file beside this one."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as PgQ knows it; ``time`` is aware UTC.

    A message of ours is ``data``, verbatim: bytes that are not UTF-8 stand there as lone
    surrogates (``surrogateescape``). Its ``id`` is the message_id, or the digest of the bytes.
    An event of PgQ has the id ``<database>/<queue>:<ev_id>``.
    """

    id: str
    time: datetime
    type: str | None
    data: str | None
    extra1: str | None = None
    extra2: str | None = None
    extra3: str | None = None
    extra4: str | None = None


@dataclass(frozen=True)
class Consumer:
    """Whose position a target keeps: the same three never mean another queue.

    ``source`` is the identity of the source queue, which differs after it was dropped and made
    again, and between databases.
    """

    source: str
    queue: str
    name: str


@dataclass(frozen=True)
class Backlog:
    """How far behind a consumer is: ``seconds`` by the oldest event that is not moved, and how
    many events about, where the source can tell.
    """

    seconds: float
    events: int | None


class Away(Exception):
    """A source or a target cannot be reached, or says "not now": wait, and call again.

    ``args[0]`` says which and why, without addresses' passwords or what events hold. The adapter
    has given up its connection; the next call opens another.
    """


class Busy(Away):
    """Another mover of the same name is at work on the target."""


class NotRegistered(Exception):
    """The consumer was never registered, at the source or at the target: ``--register`` it."""


class LostPosition(Exception):
    """The target's position is neither before nor after the batch: a person decides.

    ``args[0]`` says what to do.
    """


class PoisonEvent(Exception):
    """The target can never take this event; ``args[0]`` says why, without what is in it."""


class Batch(Protocol):
    """Events that are moved together. ``previous`` and ``position`` are where it begins and ends,
    opaque words of the source.
    """

    @property
    def previous(self) -> str: ...

    @property
    def position(self) -> str: ...

    def events(self) -> Iterable[Event]:
        """The events in their order, streamed; from the first again at each iteration.

        A target may know the class of what this returns and copy it in a faster way.
        """


class Source(Protocol):
    """A queue that is moved from. Every call may raise :class:`Away`."""

    @property
    def identity(self) -> str:
        """Of the queue, as in :class:`Consumer`; asked of the source once a connection."""

    def register(self) -> bool:
        """Begin to keep events for this consumer; False if it was done before."""

    def unregister(self) -> bool:
        """The end of it; False if it was not registered."""

    def next_batch(self) -> Batch | None:
        """The open batch, the same again until it is finished; None if there is nothing yet.

        Raises :class:`NotRegistered`.
        """

    def finish(self, batch: Batch) -> None:
        """The batch is on the target for good."""

    def rewind(self, position: str) -> None:
        """Go on after this position; raises :class:`LostPosition` where it is not known."""

    def backlog(self) -> Backlog:
        """How much there is to move."""

    def close(self) -> None:
        """Give up the connection; the next call opens another."""


class Transaction(Protocol):
    """One batch on its way into a target. Left without :meth:`commit`, nothing of it was done."""

    @property
    def position(self) -> str | None:
        """Where the target is, read under a lock that lasts until the end; None for nowhere yet."""

    def put(self, queue: str, events: Iterable[Event]) -> int:
        """Add events to a queue in their order; how many.

        Raises :class:`PoisonEvent` when one of them can never be taken, ``KeyError`` for a queue
        that is not there; both leave the transaction as before the call, so that the events
        can be put one by one.
        """

    def set_aside(self, queue: str, event: Event, reason: str) -> None:
        """Keep an event that could not be put, where a person finds it, in the same transaction."""

    def commit(self, position: str) -> None:
        """All of it, and the position, at once."""


class Target(Protocol):
    """A place with queues that are moved into. Every call may raise :class:`Away`."""

    def register(self, consumer: Consumer) -> None:
        """Make room for its position, before the first batch; keeps one that is there."""

    def position(self, consumer: Consumer) -> str | None:
        """Where the consumer is, without a lock."""

    def forget(self, consumer: Consumer) -> None:
        """Forget its position; the next batch is taken whatever it is.

        May raise :class:`NotRegistered`.
        """

    def transaction(self, consumer: Consumer) -> AbstractContextManager[Transaction]:
        """A batch's transaction. Raises :class:`NotRegistered`, or :class:`Busy` while another
        mover has the consumer's lock.
        """

    def close(self) -> None:
        """Give up the connection; the next call opens another."""
