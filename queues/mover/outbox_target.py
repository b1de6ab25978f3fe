"""An outbox as a target: rows and position are one transaction of its database.

The sweeper of that site pushes the rows on their lists. Its rows have the message's key, so what
is swept twice is known in the inbox.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from queues.models import MoverPosition, OutboxMessage
from queues.mover import messages
from queues.mover.databases import alias, answering
from queues.mover.interface import Consumer, Event, NotRegistered
from queues.routes import routes

_ROWS_A_STATEMENT = 500


@dataclass
class OutboxTransaction:
    """One batch on its way into the table; ``end`` commits."""

    using: str
    consumer: Consumer
    row: MoverPosition
    end: Callable[[], None]
    is_committed: bool = field(default=False, init=False)

    @property
    def position(self) -> str | None:
        """As the row says, which is locked."""
        return self.row.position or None

    def put(self, queue: str, events: Iterable[Event]) -> int:
        """Raises ``KeyError`` for a queue that the sweeper does not know."""
        if queue not in routes():
            raise KeyError(queue)
        return self._add(queue, (messages.message(self.consumer, event) for event in events))

    def set_aside(self, queue: str, event: Event, reason: str) -> None:
        """For the damaged list, whose consumer shows it to people."""
        damaged, entry = messages.dead_letter(self.consumer, queue, event, reason)
        self._add(damaged, [(messages.identity(self.consumer, event), entry)])

    def commit(self, position: str) -> None:
        """End the transaction now."""
        self.row.position, self.row.moved_at = position, timezone.now()
        with answering(self.using, "target"):
            self.row.save(using=self.using)
            self.end()
        self.is_committed = True

    def _add(self, queue: str, pairs: Iterable[tuple[str, bytes]]) -> int:
        rows = (OutboxMessage(queue=queue, message_id=key, body=body) for key, body in pairs)
        with answering(self.using, "target"):
            outbox = OutboxMessage.objects.using(self.using)
            return len(outbox.bulk_create(rows, batch_size=_ROWS_A_STATEMENT))


class OutboxTarget:
    """The outbox of a site."""

    def __init__(self, database: str) -> None:
        """``database``: ``default``, or a URL."""
        self._using = alias(database)
        self._positions = MoverPosition.objects.using(self._using)

    def register(self, consumer: Consumer) -> None:
        """Make the row that is locked by each batch."""
        with answering(self._using, "target"):
            self._positions.get_or_create(
                source=consumer.source, queue=consumer.queue, consumer=consumer.name
            )

    def position(self, consumer: Consumer) -> str | None:
        """As the row says."""
        with answering(self._using, "target"):
            return _known(self._rows(consumer).first(), consumer).position or None

    def forget(self, consumer: Consumer) -> None:
        """Empty the position; the row stays."""
        with answering(self._using, "target"):
            self._rows(consumer).update(position="")

    @contextmanager
    def transaction(self, consumer: Consumer) -> Iterator[OutboxTransaction]:
        """Everybody who moves for this consumer waits here for who was first."""
        with ExitStack() as stack:
            with answering(self._using, "target"):
                stack.enter_context(transaction.atomic(using=self._using))
                row = self._rows(consumer).select_for_update().first()
            moving = OutboxTransaction(self._using, consumer, _known(row, consumer), stack.close)
            yield moving
            if not moving.is_committed:
                transaction.set_rollback(True, using=self._using)

    def close(self) -> None:
        """Close the connection."""
        connections[self._using].close()

    def _rows(self, consumer: Consumer) -> QuerySet[MoverPosition]:
        return self._positions.filter(
            source=consumer.source, queue=consumer.queue, consumer=consumer.name
        )


def _known(row: MoverPosition | None, consumer: Consumer) -> MoverPosition:
    if row is None:
        raise NotRegistered(
            f"the target does not know {consumer.name} on {consumer.queue} of {consumer.source}"
        )
    return row
