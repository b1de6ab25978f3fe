"""The rows of one queue in an outbox as a source.

For a site without a Redis: its producers write rows of :class:`queues.models.OutboxMessage`, and
nobody sweeps them. A row that a sweeper relays is gone, and here that is a lost position; so the
queues that this site sweeps itself are refused.

A batch is written down (:class:`queues.models.OutboxPassage`) before it is handed out, and its
rows are deleted when it is finished. Where the target is, is told as of a Redis list, by
:mod:`queues.mover.positions`.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count, Min, QuerySet

from queues.models import OutboxMessage, OutboxPassage
from queues.mover import messages, positions
from queues.mover.databases import alias, answering
from queues.mover.interface import Backlog, Batch, Event, LostPosition, NotRegistered
from queues.routes import routes

#: Rows in a batch, at most.
MOST = 1000


@dataclass(frozen=True)
class OutboxBatch:
    """Rows in hand."""

    rows: Sequence[OutboxMessage]
    previous: str
    position: str

    def events(self) -> Iterator[Event]:
        """Their messages as events, byte by byte."""
        return (messages.event(row.queue, _body(row), row.created_at) for row in self.rows)


class OutboxSource:
    """A queue in the outbox of a database, taken from by one consumer.

    Consumers of different names share the rows, as workers do.
    """

    def __init__(self, database: str, queue: str, consumer: str, most: int = MOST) -> None:
        """``database``: ``default``, or a URL. Raises ``ValueError`` for a queue that is swept."""
        if database == DEFAULT_DB_ALIAS and queue in routes():
            raise ValueError(f"the sweeper relays {queue} from this database")
        self._using = alias(database)
        self._queue, self._consumer, self._most = queue, consumer, most
        self._identity = ""

    @property
    def identity(self) -> str:
        """Random, and kept in the database."""
        if not self._identity:
            with self._passage() as passage:
                self._identity = passage.identity
        return self._identity

    def register(self) -> bool:
        """Begin; what is in the outbox already will be moved too."""
        with self._passage() as passage:
            is_new = not passage.is_registered
            passage.is_registered = True
            passage.save()
        return is_new

    def unregister(self) -> bool:
        """Forget what is in hand; its rows stay.

        While the mover is stopped by itself, not killed: else they may have been moved already.
        """
        with self._passage() as passage:
            was_registered = passage.is_registered
            passage.is_registered = False
            passage.position, passage.reached, passage.in_hand = positions.START, "", []
            passage.save()
        return was_registered

    def next_batch(self) -> OutboxBatch | None:
        """What is in hand, or else the next rows."""
        with self._passage() as passage:
            if not passage.is_registered:
                raise NotRegistered(f"{passage} is not registered at the source")
            rows = self._in_hand(passage) if passage.in_hand else self._take(passage)
            return OutboxBatch(rows, passage.position, passage.reached) if rows else None

    def finish(self, batch: Batch) -> None:
        """Delete the rows, unless another mover has."""
        with self._passage() as passage:
            if passage.reached == batch.position:
                self._finish(passage)

    def rewind(self, position: str) -> None:
        """Delete what was moved before.

        That can be done in a database that was restored from an older backup. It cannot go back:
        what was deleted is nowhere here.
        """
        passed: list[int] = []
        with self._passage() as passage:
            bodies = self._bodies(passage, passed)
            del passed[positions.distance(passage.position, position, bodies) :]
            passage.in_hand, passage.reached = passed, position
            self._finish(passage)

    def backlog(self) -> Backlog:
        """By when the oldest row was written."""
        with answering(self._using, "source"):
            told = self._outbox.aggregate(count=Count("pk"), oldest=Min("created_at"))
        age = datetime.now(UTC) - told["oldest"] if told["oldest"] else timedelta()
        return Backlog(max(age.total_seconds(), 0), told["count"])

    def close(self) -> None:
        """Close the connection."""
        self._identity = ""
        connections[self._using].close()

    @property
    def _outbox(self) -> QuerySet[OutboxMessage]:
        return OutboxMessage.objects.using(self._using).filter(queue=self._queue)

    @contextmanager
    def _passage(self) -> Iterator[OutboxPassage]:
        """The passage, in a transaction that has the lock on all passages of the queue."""
        passages = OutboxPassage.objects.using(self._using).filter(queue=self._queue)
        new = {"identity": secrets.token_hex(16), "position": positions.START}
        with answering(self._using, "source"), transaction.atomic(using=self._using):
            passages.get_or_create(queue=self._queue, consumer=self._consumer, defaults=new)
            locked = {row.consumer: row for row in passages.order_by("pk").select_for_update()}
            yield locked[self._consumer]

    def _in_hand(self, passage: OutboxPassage) -> list[OutboxMessage]:
        rows = list(self._outbox.filter(pk__in=passage.in_hand).order_by("pk"))
        if positions.after(passage.position, map(_body, rows)) != passage.reached:
            raise LostPosition(
                f"rows of the batch of {self._queue} are gone or changed: somebody else, perhaps "
                "a sweeper, relays them; unregister and register again when that has ended"
            )
        return rows

    def _take(self, passage: OutboxPassage) -> list[OutboxMessage]:
        passages = OutboxPassage.objects.using(self._using).filter(queue=self._queue)
        held = chain.from_iterable(passages.values_list("in_hand", flat=True))
        rows = list(self._outbox.exclude(pk__in=list(held)).order_by("pk")[: self._most])
        if rows:
            passage.in_hand = [row.pk for row in rows]
            passage.reached = positions.after(passage.position, map(_body, rows))
            passage.save()
        return rows

    def _finish(self, passage: OutboxPassage) -> None:
        self._outbox.filter(pk__in=passage.in_hand).delete()
        passage.position, passage.reached, passage.in_hand = passage.reached, "", []
        passage.save()

    def _bodies(self, passage: OutboxPassage, passed: list[int]) -> Iterator[bytes]:
        """What is in hand and what is behind it, in order; their numbers go into ``passed``."""
        in_hand = self._outbox.filter(pk__in=passage.in_hand)
        behind = self._outbox.exclude(pk__in=passage.in_hand)
        for rows in (in_hand, behind):
            for pk, body in rows.order_by("pk").values_list("pk", "body").iterator(MOST):
                passed.append(pk)
                yield bytes(body)


def _body(row: OutboxMessage) -> bytes:
    """Drivers give other types."""
    return bytes(row.body)
