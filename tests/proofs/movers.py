"""The places that a mover moves between, each with its queues on a real server.

What is moved are numbered messages, so what arrived can be compared with what was written. A place
can be set back to what it was, and go away and come back.
"""

import itertools
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests import pgq
from tests.mover.sites import Site, postgresql_site, sqlite_site
from tests.servers import Valkey

SOURCE_QUEUE, TARGET_QUEUE = "gifts", "donations"
CONSUMER = "gift_mover"
_READER = "reader"

#: What the target adds to a foreign event.
_ADDED = ("source_event", "source_enqueued_time")

_NAMES = itertools.count(1)


def message(number: int) -> str:
    """The message of a number, as its producer writes it."""
    return json.dumps({"message_id": f"gift-{number}", "gross": f"{number}.50", "number": number})


def _number(body: str | bytes) -> int:
    """Which message it is. Raises AssertionError if anything in it is not as it was written."""
    told: dict[str, Any] = json.loads(body)
    for name in _ADDED:
        told.pop(name, None)
    number = told["number"]
    assert told == json.loads(message(number))
    return int(number)


class Place:
    """Somewhere with a queue to move from and a queue to move into."""

    dsn: str

    def add(self, numbers: Sequence[int]) -> None:
        """Messages in one transaction."""
        raise NotImplementedError

    def arrived(self) -> list[int]:
        """All that came into the target queue, in order."""
        raise NotImplementedError

    def back_up(self) -> None:
        """Remember the state of the source queue."""
        raise NotImplementedError

    def restore(self) -> None:
        """Set it back to that."""
        raise NotImplementedError

    def go_away(self) -> None:
        """Answer nobody until :meth:`come_back`."""
        raise NotImplementedError

    def come_back(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Remove what was made."""


class PgqPlace(Place):
    """A database with PgQ."""

    def __init__(self, cluster: pgq.Cluster) -> None:
        self._cluster = cluster
        self.database = cluster.database(f"place_{next(_NAMES)}")
        for queue in (SOURCE_QUEUE, TARGET_QUEUE):
            self.database.create_queue(queue)
        # What no consumer gets does not count as arrived.
        self.database.run("SELECT pgq.register_consumer(%s, %s)", TARGET_QUEUE, _READER)
        self.dsn = self.database.dsn
        self._arrived: list[int] = []
        self._tick = 0

    def add(self, numbers: Sequence[int]) -> None:
        self.database.run(
            "SELECT count(pgq.insert_event(%s, 'gift', d)) FROM unnest(%s::text[]) d",
            SOURCE_QUEUE,
            [message(number) for number in numbers],
        )
        self.database.tick()

    def arrived(self) -> list[int]:
        self._arrived += map(_number, self.database.consumed(TARGET_QUEUE, _READER))
        return list(self._arrived)

    def rotate(self) -> int:
        """Both queues, as far as their consumers let them; how many tables were left."""
        self.arrived()
        query = "SELECT queue_name, queue_cur_table FROM pgq.queue"
        before = self.database.all(query)
        for queue in (SOURCE_QUEUE, TARGET_QUEUE):
            self.database.rotate(queue)
        return len(set(self.database.all(query)) - set(before))

    def back_up(self) -> None:
        query = "SELECT last_tick FROM pgq.get_consumer_info(%s, %s)"
        self._tick = self.database.one(query, SOURCE_QUEUE, CONSUMER)

    def restore(self) -> None:
        query = "SELECT pgq.register_consumer_at(%s, %s, %s)"
        self.database.run(query, SOURCE_QUEUE, CONSUMER, self._tick)

    def go_away(self) -> None:
        _lock_out(self._cluster.server.url, self.database.name, allowed=False)

    def come_back(self) -> None:
        _lock_out(self._cluster.server.url, self.database.name, allowed=True)
        self.database = pgq.Database(self._cluster.server.url, self.database.name)

    def close(self) -> None:
        self._cluster.drop(self.database)


class RedisPlace(Place):
    """A Redis with lists; what it has acknowledged outlives a kill."""

    def __init__(self, server: Valkey) -> None:
        self._server = server
        self._backup = Path(tempfile.mkdtemp(prefix="backup-"))
        self._client: redis.Redis = server.client()
        self._client.flushall()
        self._arrived: list[int] = []
        self.dsn = server.url

    def add(self, numbers: Sequence[int]) -> None:
        for first in range(0, len(numbers), 1000):
            self._client.rpush(SOURCE_QUEUE, *map(message, numbers[first : first + 1000]))

    def arrived(self) -> list[int]:
        new = self._client.lrange(TARGET_QUEUE, len(self._arrived), -1)
        self._arrived += map(_number, new)
        return list(self._arrived)

    def back_up(self) -> None:
        self._server.kill9()
        shutil.copytree(self._server.data_dir, self._backup, dirs_exist_ok=True)
        self._server.start()

    def restore(self) -> None:
        self._server.kill9()
        shutil.rmtree(self._server.data_dir)
        shutil.copytree(self._backup, self._server.data_dir)
        self._server.start()

    def go_away(self) -> None:
        self._server.kill9()

    def come_back(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._client.close()
        shutil.rmtree(self._backup)


class OutboxPlace(Place):
    """A database with an outbox that nobody sweeps."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._arrived: list[int] = []
        self.dsn = f"outbox:{site.url}"

    def add(self, numbers: Sequence[int]) -> None:
        self.site.add(SOURCE_QUEUE, [message(number).encode() for number in numbers])

    def arrived(self) -> list[int]:
        new = self.site.bodies(TARGET_QUEUE, first=len(self._arrived))
        self._arrived += map(_number, new)
        return list(self._arrived)

    def close(self) -> None:
        self.site.forget()


class SqlitePlace(OutboxPlace):
    """On SQLite. It is away while somebody else has the file for himself."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="site-"))
        super().__init__(sqlite_site(self._directory))
        self._path = Path(self.site.url.removeprefix("sqlite:///"))
        self._lock: sqlite3.Connection | None = None

    def back_up(self) -> None:
        self.site.close()
        shutil.copy(self._path, self._directory / "backup")

    def restore(self) -> None:
        self.site.close()
        shutil.copy(self._directory / "backup", self._path)

    def go_away(self) -> None:
        self._lock = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        self._lock.execute("BEGIN EXCLUSIVE")

    def come_back(self) -> None:
        assert self._lock is not None
        self._lock.execute("ROLLBACK")
        self._lock.close()

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._directory)


class PostgresqlPlace(OutboxPlace):
    """On PostgreSQL."""

    def __init__(self, cluster: pgq.Cluster) -> None:
        self._url = cluster.server.url
        super().__init__(postgresql_site(cluster.server.url))
        self._name = self.site.url.rpartition("/")[2]

    def back_up(self) -> None:
        self.site.close()
        self._run(f"CREATE DATABASE {self._name}_backup TEMPLATE {self._name}")

    def restore(self) -> None:
        self.site.close()
        self._run(f"DROP DATABASE {self._name} WITH (FORCE)")
        self._run(f"CREATE DATABASE {self._name} TEMPLATE {self._name}_backup")

    def go_away(self) -> None:
        self.site.close()
        _lock_out(self._url, self._name, allowed=False)

    def come_back(self) -> None:
        _lock_out(self._url, self._name, allowed=True)

    def close(self) -> None:
        super().close()
        self._run(f"DROP DATABASE {self._name} WITH (FORCE)")
        self._run(f"DROP DATABASE IF EXISTS {self._name}_backup")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())


def _lock_out(url: str, name: str, *, allowed: bool) -> None:
    """Break all connections to a database, and let nobody in; or let them in again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}".encode())
        if not allowed:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(query, [name])


class Servers:
    """Where places are made. A Redis is a source's or a target's, not both at once."""

    def __init__(self, cluster: pgq.Cluster, source: Valkey, target: Valkey) -> None:
        self._cluster = cluster
        self._redis = {"source": source, "target": target}

    def place(self, kind: str, role: str) -> Place:
        """A new one, empty."""
        match kind:
            case "pgq":
                return PgqPlace(self._cluster)
            case "redis":
                return RedisPlace(self._redis[role])
            case "sqlite":
                return SqlitePlace()
            case "postgresql":
                return PostgresqlPlace(self._cluster)
        raise ValueError(kind)


@contextmanager
def servers() -> Iterator[Servers]:
    """A PostgreSQL with PgQ and two Redis."""
    with ExitStack() as stack:
        redises = [stack.enter_context(Valkey(appendfsync="always")) for _ in range(2)]
        yield Servers(stack.enter_context(pgq.cluster()), *redises)


def ini(directory: Path, source: Place, target: Place) -> Path:
    """The configuration of a mover from one to the other."""
    path = directory / "mover.ini"
    path.write_text(
        "[queue_mover]\n"
        f"src_db = {source.dsn}\n"
        f"dst_db = {target.dsn}\n"
        f"pgq_queue_name = {SOURCE_QUEUE}\n"
        f"pgq_consumer_id = {CONSUMER}\n"
        f"dst_queue_name = {TARGET_QUEUE}\n"
    )
    return path
