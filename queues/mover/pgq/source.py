"""A queue of PgQ, moved from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import psycopg
from psycopg import sql
from psycopg.errors import RaiseException
from psycopg.rows import args_row, scalar_row

from queues.mover.interface import Away, Backlog, Batch, Event, LostPosition, NotRegistered
from queues.mover.pgq.link import Link

# What is copied of an event; its number in the queue is the target's own.
COLUMNS = ("ev_time", "ev_type", "ev_data", "ev_extra1", "ev_extra2", "ev_extra3", "ev_extra4")
# How many events come at a time when they are read one by one, and how many bytes when copied.
FETCH = 2000
PIECE = 1 << 16
# The server sorts a batch by its events' numbers; beyond this, which holds some ten thousand
# events, it does so on disk.
SORTING = "64MB"

# The next batch is the same again after a crash, so its beginning need not wait for the disk; its
# end does.
# PgQ reads where a consumer is and then writes which batch it has, without a lock in between: the
# late write of another mover of the name would set it back. Nothing can be finished meanwhile, as
# no batch is open where one is opened.
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('queue_mover'), hashtext(%s || '/' || %s))"
_NEXT = """
SELECT batch_id, prev_tick_id, prev_tick_time, cur_tick_id, cur_tick_time,
       set_config('synchronous_commit', 'off', true)
FROM pgq.next_batch_info(%s, %s) WHERE batch_id IS NOT NULL
"""
_IDENTITY = """
SELECT system_identifier || '/' || current_database() || '/' || queue_id, current_database()
FROM pg_control_system(), pgq.queue WHERE queue_name = %s
"""
_BACKLOG = """
SELECT extract(epoch FROM c.lag)::float8, c.pending_events + q.ev_new
FROM pgq.get_consumer_info(%s, %s) c, pgq.get_queue_info(%s) q
"""
_TICK = """
SELECT tick_time FROM pgq.tick JOIN pgq.queue ON queue_id = tick_queue
WHERE queue_name = %s AND tick_id = %s
"""


class PgqEvents:
    """The events of a batch, read anew at each iteration."""

    def __init__(self, link: Link, batch_id: int, origin: str) -> None:
        """``origin`` and the number of an event are its id."""
        self._link = link
        self._batch_id = batch_id
        self._origin = origin

    def __iter__(self) -> Iterator[Event]:
        """One by one, by a cursor of the server."""
        with self._link.use() as connection:
            rows = sql.SQL(
                "SELECT {origin} || ev_id, ev_time, ev_type, ev_data,"
                " ev_extra1, ev_extra2, ev_extra3, ev_extra4 FROM {batch}"
            ).format(origin=sql.Literal(self._origin), batch=self._batch(connection))
            with (
                connection.transaction(),
                connection.cursor("events", row_factory=args_row(Event)) as cursor,
            ):
                cursor.itersize = FETCH
                cursor.execute(rows)
                yield from cursor

    def copy(self, *, number: bool) -> Iterator[bytes]:
        """All but the number, in PostgreSQL's binary format, in pieces; columns as ``COLUMNS``.

        ``number`` puts the id of the event in its fourth extra field, where that is empty.
        """
        *columns, extra4 = map(sql.Identifier, COLUMNS)
        origin = sql.Literal(self._origin if number else None)
        with self._link.use() as connection:
            statement = sql.SQL(
                "COPY (SELECT {columns}, coalesce({extra4}, {origin} || ev_id) FROM {batch})"
                " TO STDOUT (FORMAT binary)"
            ).format(
                columns=sql.SQL(", ").join(columns),
                extra4=extra4,
                origin=origin,
                batch=self._batch(connection),
            )
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                piece = bytearray()
                for row in copy:
                    piece += row
                    if len(piece) > PIECE:
                        yield bytes(piece)
                        piece.clear()
                yield bytes(piece)

    def _batch(self, connection: psycopg.Connection) -> sql.Composable:
        """The query of the batch's events in their order; PgQ writes it for each batch."""
        cursor = connection.cursor(row_factory=scalar_row)
        query = cursor.execute("SELECT pgq.batch_event_sql(%s)", [self._batch_id]).fetchone()
        return sql.SQL("({}) AS batch").format(sql.SQL(query or ""))


@dataclass(frozen=True)
class PgqBatch:
    """What came between two ticks. A position is a tick, with its time.

    By its time a tick is known again: a database that was restored from a backup counts the same
    numbers a second time.
    """

    id: int
    previous: str
    position: str
    _events: PgqEvents

    def events(self) -> PgqEvents:
        """Iterate them, or copy them."""
        return self._events


class PgqSource:
    """A queue of PgQ and a consumer of it. The role must be in ``pgq_reader``."""

    def __init__(self, dsn: str, queue: str, name: str) -> None:
        """Does not connect yet. Raises ``ValueError`` for a text that is no connection string."""
        self._link = Link(dsn, f"queue_mover {name}", work_mem=SORTING)
        self._queue = queue
        self._name = name
        self._known: tuple[str, str] | None = None

    @property
    def identity(self) -> str:
        """Cluster, database, and the number of the queue, which PgQ never gives again."""
        return self._identify()[0]

    def register(self) -> bool:
        """Begin with what is inserted after the latest tick."""
        with self._link.use() as connection:
            return self._answer(connection, "SELECT pgq.register_consumer(%s, %s)") == 1

    def unregister(self) -> bool:
        """Events that wait for this consumer alone are forgotten."""
        with self._link.use() as connection:
            # PgQ refuses to end what never began.
            if not self._answer(connection, "SELECT count(*) FROM pgq.get_consumer_info(%s, %s)"):
                return False
            return self._answer(connection, "SELECT pgq.unregister_consumer(%s, %s)") > 0

    def next_batch(self) -> Batch | None:
        """From the last finished tick to the one after it."""
        with self._link.use() as connection:
            try:
                with connection.transaction():
                    connection.execute(_ALONE, [self._queue, self._name])
                    row = connection.execute(_NEXT, [self._queue, self._name]).fetchone()
            except RaiseException as error:
                if "Not subscriber" not in str(error):
                    raise
                # Made again, the queue is another.
                self._known = None
                raise NotRegistered(
                    f"{self._name} is not registered with queue {self._queue} at {self._link.place}"
                ) from None
        if row is None:
            return None
        batch_id, previous, previous_time, current, current_time, _ = row
        events = PgqEvents(self._link, batch_id, self._origin)
        return PgqBatch(
            batch_id, _position(previous, previous_time), _position(current, current_time), events
        )

    def finish(self, batch: Batch) -> None:
        """On disk when it returns: the target's position must not be two ticks ahead."""
        with self._link.use() as connection:
            connection.execute("SELECT pgq.finish_batch(%s)", [cast("PgqBatch", batch).id])

    def rewind(self, position: str) -> None:
        """PgQ keeps ticks for a rotation period (two hours by default) after they are passed."""
        tick, _, _ = position.partition("@")
        with self._link.use() as connection:
            row = connection.execute(_TICK, [self._queue, int(tick)]).fetchone()
            if row is None or _position(int(tick), row[0]) != position:
                raise LostPosition(
                    f"{self._link.place} does not know tick {position} of queue {self._queue}: it "
                    "was cleared away, or never came to be in this copy of the database; what was "
                    "moved has to be compared by a person, `--reset` goes on from the source's "
                    "own position"
                )
            connection.execute(
                "SELECT pgq.register_consumer_at(%s, %s, %s)", [self._queue, self._name, int(tick)]
            )

    def backlog(self) -> Backlog:
        """Events by the numbers given out: those that were rolled back count, the first of a
        queue does not.
        """
        with self._link.use() as connection:
            row = connection.execute(_BACKLOG, [self._queue, self._name, self._queue]).fetchone()
        if row is None:
            raise NotRegistered(f"{self._name} is not registered with queue {self._queue}")
        lag, events = row
        return Backlog(lag if events else 0.0, events)

    def close(self) -> None:
        self._link.close()
        self._known = None

    @property
    def _origin(self) -> str:
        return f"{self._identify()[1]}/{self._queue}:"

    def _answer(self, connection: psycopg.Connection, query: str) -> int:
        row = connection.execute(query.encode(), [self._queue, self._name]).fetchone()
        return int(row[0]) if row else 0

    def _identify(self) -> tuple[str, str]:
        if self._known is None:
            with self._link.use() as connection:
                self._known = connection.execute(_IDENTITY, [self._queue]).fetchone()
        if self._known is None:
            raise Away(f"{self._link.place} has no queue {self._queue}")
        return self._known


def _position(tick: int, time: datetime) -> str:
    return f"{tick}@{time.isoformat()}"
