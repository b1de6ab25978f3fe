"""Queues of PgQ, moved into."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.errors import RaiseException
from psycopg.pq import TransactionStatus

from queues.mover.interface import Busy, Consumer, Event, PoisonEvent
from queues.mover.pgq import positions
from queues.mover.pgq.link import Link
from queues.mover.pgq.source import COLUMNS, PgqEvents

log = logging.getLogger(__name__)

IdField = Literal["ev_extra4", "none"]

# The table of a queue that is written to now, and whether this role may.
_TABLE = """
SELECT tab, has_table_privilege(tab, 'INSERT') AND has_sequence_privilege(queue_event_seq, 'USAGE')
FROM pgq.current_event_table(%(queue)s) tab, pgq.queue WHERE queue_name = %(queue)s
"""
_INSERT = "SELECT pgq.insert_event(%s, %s, %s, %s, %s, %s, %s)"


class PgqTransaction:
    """A batch on its way into a database with PgQ."""

    def __init__(
        self,
        connection: psycopg.Connection,
        consumer: Consumer,
        id_field: IdField,
        told: set[str],
    ) -> None:
        """``told`` are the queues of which it is known that the times of events are lost."""
        self._connection = connection
        self._consumer = consumer
        self._told = told
        self._number = id_field == "ev_extra4"
        # This gives the transaction its number before it asks which table is written to. The
        # other way round, two rotations in between would hide what it writes from all consumers.
        self.position = positions.read(connection, consumer, lock=True)

    def put(self, queue: str, events: Iterable[Event]) -> int:
        """By COPY where the role may write to the event tables, as ``pgq_admin`` does.

        A ``pgq_writer`` may call a function only, which gives each event the time of the call.
        """
        try:
            with self._connection.transaction():
                table = self._table(queue)
                if table is None:
                    return self._insert(queue, events)
                return self._copy(table, events)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise PoisonEvent(f"{type(error).__name__} {error.sqlstate or ''}".strip()) from error
        except UnicodeEncodeError as error:
            raise PoisonEvent("it is no UTF-8") from error

    def set_aside(self, queue: str, event: Event, reason: str) -> None:
        """Into the table ``queue_mover.set_aside``."""
        positions.set_aside(self._connection, self._consumer, queue, event, reason)

    def commit(self, position: str) -> None:
        """On disk when it returns."""
        positions.write(self._connection, self._consumer, position)
        self._connection.commit()

    def _table(self, queue: str) -> sql.Identifier | None:
        try:
            row = self._connection.execute(_TABLE, {"queue": queue}).fetchone()
        except RaiseException as error:
            if "not found" not in str(error):
                raise
            raise KeyError(queue) from None
        if row is None:
            raise KeyError(queue)
        name, writable = row
        return sql.Identifier(*name.split(".", 1)) if writable else None

    def _copy(self, table: sql.Identifier, events: Iterable[Event]) -> int:
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        binary = sql.SQL(" (FORMAT binary)" if isinstance(events, PgqEvents) else "")
        statement = sql.SQL("COPY {} ({}) FROM STDIN{}").format(table, columns, binary)
        with self._connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                if isinstance(events, PgqEvents):
                    for piece in events.copy(number=self._number):
                        copy.write(piece)
                else:
                    for event in events:
                        copy.write_row(self._values(event))
            return cursor.rowcount

    def _insert(self, queue: str, events: Iterable[Event]) -> int:
        if queue not in self._told:
            self._told.add(queue)
            log.warning(
                "the times of events are lost: only pgq_admin may write to the tables of %s", queue
            )
        count = 0

        def rows() -> Iterator[tuple[object, ...]]:
            nonlocal count
            for event in events:
                count += 1
                _, *values = self._values(event)
                yield queue, *values

        with self._connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows())
        return count

    def _values(self, event: Event) -> tuple[object, ...]:
        """As ``COLUMNS``."""
        number = event.id if self._number else None
        extra4 = number if event.extra4 is None else event.extra4
        extras = (event.extra1, event.extra2, event.extra3, extra4)
        return event.time, event.type, event.data, *extras


class PgqTarget:
    """A database with queues of PgQ.

    It keeps the time of an event (see :meth:`PgqTransaction.put`) and gives it a number of its
    own. ``event_id_field`` says where the number at the source goes: ``ev_extra4``, where that is
    empty, as ``<database>/<queue>:<ev_id>``, so that an event that moved through several queues
    still names the first; or ``none``.
    """

    def __init__(self, dsn: str, name: str, event_id_field: IdField = "ev_extra4") -> None:
        """Does not connect yet. Raises ``ValueError`` for a text that is no connection string."""
        self._link = Link(dsn, f"queue_mover {name}")
        self._id_field = event_id_field
        # The lock of a mover is its connection's, so both are forgotten together.
        self._locked: tuple[psycopg.Connection, Consumer] | None = None
        self._told: set[str] = set()

    def register(self, consumer: Consumer) -> None:
        """Makes the tables of positions, too, where they are missing."""
        with self._link.use() as connection:
            positions.register(connection, consumer)

    def position(self, consumer: Consumer) -> str | None:
        """A tick of the source. Raises ``NotRegistered``."""
        with self._link.use() as connection:
            return positions.read(connection, consumer)

    def forget(self, consumer: Consumer) -> None:
        """The row stays, without a position."""
        with self._link.use() as connection:
            positions.write(connection, consumer, None)

    @contextmanager
    def transaction(self, consumer: Consumer) -> Iterator[PgqTransaction]:
        """Two movers of one name: the second is ``Busy``, as long as the first is connected."""
        with self._link.use() as connection:
            self._lock(connection, consumer)
            try:
                connection.execute("BEGIN")
                yield PgqTransaction(connection, consumer, self._id_field, self._told)
            finally:
                status = connection.info.transaction_status
                if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                    connection.rollback()
                elif status != TransactionStatus.IDLE:
                    self.close()  # broken, or interrupted in the middle of a statement

    def close(self) -> None:
        """Another mover may take over."""
        self._link.close()
        self._locked = None

    def _lock(self, connection: psycopg.Connection, consumer: Consumer) -> None:
        if self._locked == (connection, consumer):
            return
        if not positions.lock_session(connection, consumer):
            raise Busy(f"another mover {consumer.name} is at work on {self._link.place}")
        self._locked = (connection, consumer)
