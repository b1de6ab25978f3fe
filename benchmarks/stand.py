"""The test stand: a Redis-protocol server, the databases, and what runs on them."""

import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

import redis

from benchmarks import plain
from benchmarks.databases import Commits, Database, Postgres, Sqlite
from benchmarks.donations import DONORS, QUEUE, TRACKING, message
from benchmarks.movers import Movers
from benchmarks.numbers import Numbers
from benchmarks.observed import Observed
from benchmarks.rows import Pattern, Rows
from benchmarks.worker import Worker
from queues.deadletter import damaged_queue
from queues.reserved import RESERVED
from tests.pgq import Cluster
from tests.postgres import programs
from tests.servers import Valkey

# Rows that are there before anything is measured, so that look-ups search in something.
FILLING = 20_000
FILLING_GROUP = 500
PATIENCE = 300.0
PUSH_BATCH = 1000


class Stand:
    """Everything that is measured, started and made ready."""

    def __init__(self, filling: int) -> None:
        self._filling = filling
        self._stack = ExitStack()
        self._log = Path(tempfile.mkdtemp(prefix="benchmarks-")) / "worker.log"
        self._numbers = Numbers()
        self._patterns: dict[str, Pattern] = {}
        self.databases: list[Database] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._server = stack.enter_context(Valkey())
            self.redis = stack.enter_context(self._server.client())
            kinds = [Postgres, Sqlite] if programs() else [Sqlite]
            self.databases = [stack.enter_context(kind()) for kind in kinds]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    @property
    def has_movers(self) -> bool:
        """Whether there is a PostgreSQL to move events in."""
        return isinstance(self.databases[0], Postgres)

    @cached_property
    def movers(self) -> Movers:
        """Between two more databases of the PostgreSQL; their state is in its first one."""
        database = self.databases[0]
        environment = self._environment(database)
        database.migrate(environment)
        movers = Movers(Cluster(database), environment)
        self._stack.callback(movers.close)
        return movers

    @property
    def log(self) -> Path:
        """What the workers said; kept."""
        return self._log

    def client(self) -> redis.Redis:
        """One more client of the Redis-protocol server."""
        return self._server.client()

    def prepare(self, database: Database) -> None:
        """Make the tables, learn what the import writes, and fill them."""
        database.migrate(self._environment(database))
        numbers = self._numbers.take(len(DONORS))
        self.imports(database, numbers, group=0)
        pushed = self.redis.lrange(TRACKING, 0, -1)
        pattern = Pattern({n: Rows.of_import(n, database, pushed) for n in numbers})
        self._patterns[database.name] = pattern
        filling = self._numbers.take(self._filling)
        plain.write_all(database.driver, pattern, filling, FILLING_GROUP)
        database.run("ANALYZE")

    def worker(
        self, database: Database, queues: Sequence[str] = (QUEUE,), group: int = 0
    ) -> Worker:
        """A worker; ``group`` messages a delivery, 0 for as many as the project has."""
        environment = self._environment(database)
        if group:
            environment["BENCHMARK_GROUP"] = str(group)
        return Worker(environment, queues, self._log)

    def imports(self, database: Database, numbers: range, group: int) -> Commits:
        """Import messages that all stand on the list before the worker starts."""
        self.redis.flushall()
        before = database.newest()
        self.push(QUEUE, map(message, numbers))
        with self.worker(database, group=group):
            commits = database.commits(before, len(numbers), PATIENCE)
            self._settled(QUEUE)
        if len(commits) != len(numbers) or self.redis.exists(damaged_queue(QUEUE)):
            raise RuntimeError(f"{database.name}: not every message was imported, see {self._log}")
        return commits

    def writes(self, database: Database, numbers: range, group: int) -> Commits:
        """Write the rows of so many messages plainly."""
        pattern = self._patterns[database.name]
        with self.observed(database, len(numbers)) as observed:
            plain.write_all(database.driver, pattern, numbers, group)
        return observed.commits

    def observed(self, database: Database, count: int) -> Observed:
        """Watch so many contributions being committed from now on."""
        return Observed(database, database.newest(), count)

    def push(self, queue: str, messages: Iterable[bytes]) -> None:
        """Put messages on a list, as any producer does."""
        batch: list[bytes] = []
        for body in messages:
            batch.append(body)
            if len(batch) == PUSH_BATCH:
                self.redis.rpush(queue, *batch)
                batch.clear()
        if batch:
            self.redis.rpush(queue, *batch)

    def take(self, count: int) -> range:
        """Numbers of messages that were not used yet."""
        return self._numbers.take(count)

    def left(self, queue: str) -> tuple[int, int]:
        """How many messages stand on a list, and how many deliveries are reserved."""
        with self.redis.pipeline(transaction=False) as pipe:
            waiting, reserved = pipe.llen(queue).hlen(RESERVED).execute()
        return waiting, reserved

    def _settled(self, queue: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(self.left(queue)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{queue} is not worked off, see {self._log}")
            time.sleep(0.01)

    def _environment(self, database: Database) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DATABASE_URL": database.url,
            "FRQUEUE_URL": self._server.url,
            "DONOR_PREFS_URL": self._server.url,
        }
