"""Where consumers are, and what could not be put: two tables in the target's database."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psycopg
from psycopg.errors import InvalidSchemaName, LockNotAvailable, UndefinedTable

from queues.mover.interface import Consumer, Event, NotRegistered

# Two that register at once must not both make the schema.
_DDL = """
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('queue_mover'));
    IF to_regclass('queue_mover.set_aside') IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS queue_mover;
        CREATE TABLE queue_mover.position (
            source text NOT NULL,
            queue text NOT NULL,
            consumer text NOT NULL,
            position text,
            registered_at timestamptz NOT NULL DEFAULT now(),
            moved_at timestamptz,
            PRIMARY KEY (source, queue, consumer)
        );
        CREATE TABLE queue_mover.set_aside (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            set_aside_at timestamptz NOT NULL DEFAULT now(),
            source text NOT NULL,
            queue text NOT NULL,
            consumer text NOT NULL,
            target_queue text NOT NULL,
            event_id text NOT NULL,
            reason text NOT NULL,
            event text NOT NULL
        );
        COMMENT ON COLUMN queue_mover.set_aside.event IS
            'JSON in ASCII; what was no UTF-8 stands as \\udc80 to \\udcff';
    END IF;
END $$
"""
_READ = """
SELECT position FROM queue_mover.position
WHERE source = %(source)s AND queue = %(queue)s AND consumer = %(name)s
"""
_WRITE = """
UPDATE queue_mover.position SET position = %(position)s, moved_at = now()
WHERE source = %(source)s AND queue = %(queue)s AND consumer = %(name)s
"""


def register(connection: psycopg.Connection, consumer: Consumer) -> None:
    """Make the tables where they are missing, and the consumer's row.

    Making them needs the right to create a schema in the database, or an administrator's help.
    """
    connection.execute(_DDL)
    connection.execute(
        "INSERT INTO queue_mover.position (source, queue, consumer)"
        " VALUES (%(source)s, %(queue)s, %(name)s) ON CONFLICT DO NOTHING",
        asdict(consumer),
    )


def read(connection: psycopg.Connection, consumer: Consumer, *, lock: bool = False) -> str | None:
    """Where it is, None for nowhere yet; with ``lock`` nobody else moves it before the commit.

    The lock gives the transaction its number, too. Raises ``NotRegistered``.
    """
    with _known(consumer):
        query = _READ + " FOR UPDATE" * lock
        row = connection.execute(query, asdict(consumer)).fetchone()
    if row is None:
        raise _unknown(consumer)
    position: str | None = row[0]
    return position


def write(connection: psycopg.Connection, consumer: Consumer, position: str | None) -> None:
    """Where it is from now on. Raises ``NotRegistered``."""
    with _known(consumer):
        cursor = connection.execute(_WRITE, {**asdict(consumer), "position": position})
    if not cursor.rowcount:
        raise _unknown(consumer)


@contextmanager
def _known(consumer: Consumer) -> Iterator[None]:
    """Without the tables nobody is registered."""
    try:
        yield
    except (UndefinedTable, InvalidSchemaName):
        raise _unknown(consumer) from None


def _unknown(consumer: Consumer) -> NotRegistered:
    return NotRegistered(
        f"the target does not know {consumer.name} on queue {consumer.queue} of source "
        f"{consumer.source}: it was not registered, or the source queue is another since (made "
        "again, or its database was restored under another name or in another cluster)"
    )


def set_aside(
    connection: psycopg.Connection, consumer: Consumer, queue: str, event: Event, reason: str
) -> None:
    """Keep an event as it came; the table takes what no queue could."""
    content = json.dumps({**asdict(event), "time": event.time.isoformat()})
    connection.execute(
        "INSERT INTO queue_mover.set_aside"
        " (source, queue, consumer, target_queue, event_id, reason, event)"
        " VALUES (%(source)s, %(queue)s, %(name)s, %(target)s, %(id)s, %(reason)s, %(event)s)",
        {
            **asdict(consumer),
            "target": queue,
            "id": event.id,
            "reason": reason,
            "event": content,
        },
    )


def lock_session(connection: psycopg.Connection, consumer: Consumer) -> bool:
    """Take the consumer's lock until the connection ends; False while another session has it.

    Waits a moment for the server to notice that a former connection was closed.
    """
    words = "\0".join(("queue_mover", *asdict(consumer).values())).encode()
    key = int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), signed=True)
    try:
        connection.execute(
            "SELECT set_config('lock_timeout', '500ms', true), pg_advisory_lock(%s)", [key]
        )
    except LockNotAvailable:
        return False
    return True
