"""The databases that are measured: reached by their drivers, without Django."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from benchmarks.drivers import Driver, Psycopg, Sqlite3
from benchmarks.rows import Row
from tests.postgres import PostgreSQL, programs

ROOT = Path(__file__).resolve().parent.parent
POLL_SECONDS = 0.1
# SQLite does not keep when a commit was, so it is looked for this often.
SQLITE_POLL_SECONDS = 0.002

Commits = dict[str, float]


class Database(ABC):
    """A database with the project's tables, for as long as it is entered."""

    name: str
    url: str
    driver: Driver

    @abstractmethod
    def commits(self, after: int, count: int, patience: float) -> Commits:
        """Wait for contributions with ids above ``after``: order_id → unix time of its commit.

        Raises ``TimeoutError`` when there are fewer than ``count`` after ``patience`` seconds.
        """

    @abstractmethod
    def version(self) -> str:
        """The version of the database's program."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    def newest(self) -> int:
        """The highest id of a contribution, 0 without one."""
        return int(self.one("SELECT coalesce(max(id), 0) FROM crm_contribution"))

    def count(self, after: int) -> int:
        """How many contributions have a higher id."""
        return int(self.one("SELECT count(*) FROM crm_contribution WHERE id > %s", after))

    def rows(self, table: str, column: str, value: object) -> list[Row]:
        """The rows of a table whose column has a value, without their id."""
        with closing(self.driver.connect()) as connection:
            query = f"SELECT * FROM {table} WHERE {column} = {self.driver.placeholder}"  # noqa: S608
            cursor = connection.execute(query, (value,))
            names = [column[0] for column in cursor.description]
            found = [dict(zip(names, row, strict=True)) for row in cursor]
        return [{name: _writable(row[name]) for name in names if name != "id"} for row in found]

    def one(self, query: str, *values: object) -> Any:  # noqa: ANN401
        """The one value that a query answers."""
        with closing(self.driver.connect()) as connection:
            statement = query.replace("%s", self.driver.placeholder)
            return connection.execute(statement, values).fetchone()[0]

    def run(self, statement: str, *values: object) -> None:
        """A statement that answers nothing."""
        with closing(self.driver.connect()) as connection:
            connection.execute(statement.replace("%s", self.driver.placeholder), values)

    def migrate(self, environment: Mapping[str, str]) -> None:
        """Make the tables, with exchange rates of yesterday for some currencies."""
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        environment = {**environment, "DATABASE_URL": self.url}
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        for currency, value in (("EUR", "1.08"), ("GBP", "1.27"), ("DKK", "0.145")):
            self.run(
                "INSERT INTO crm_exchangerate (currency, value_in_usd, bank_update, local_update)"
                " VALUES (%s, %s, %s, %s)",
                *(currency, value, *[f"{_yesterday()} 14:15:00+00:00"] * 2),
            )


class Postgres(Database):
    """A cluster of its own that keeps what it commits, and when that was."""

    name = "PostgreSQL"

    def __init__(self) -> None:
        self._server = PostgreSQL(durable=True)
        self.url = self._server.url
        self.driver: Driver = Psycopg(self.url)

    def commits(self, after: int, count: int, patience: float) -> Commits:
        deadline = time.monotonic() + patience
        while (found := self.count(after)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {found} of {count} contributions")
            time.sleep(POLL_SECONDS)
        query = (
            "SELECT order_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))"
            " FROM crm_contribution WHERE id > %s"
        )
        with closing(self.driver.connect()) as connection:
            rows = connection.execute(query, (after,))
            return {order_id: float(moment) for order_id, moment in rows}

    def version(self) -> str:
        return str(self.one("SHOW server_version"))

    def __enter__(self) -> Self:
        self._server.start()
        self.run("ALTER SYSTEM SET track_commit_timestamp = on")
        # The first log belongs to whoever started the server.
        self._control("restart", "-l", f"{self._server.data_dir}/restarted.log")
        return self

    def __exit__(self, *_: object) -> None:
        self._control("stop")
        self._server.stop()

    def _control(self, *words: str) -> None:
        directory = programs()
        if directory is None:
            raise RuntimeError("PostgreSQL is not installed")
        command = [str(directory / "pg_ctl"), "-D", str(self._server.data_dir), "-m", "fast"]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._server.data_dir.owner(), "--", *command]
        subprocess.run([*command, "-w", *words], check=True, cwd="/", stdout=subprocess.DEVNULL)


class Sqlite(Database):
    """A file on the disk of temporary files."""

    name = "SQLite"

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="sqlite-"))
        file = self._directory / "db.sqlite3"
        self.url = f"sqlite:///{file}"
        self.driver: Driver = Sqlite3(file)

    def commits(self, after: int, count: int, patience: float) -> Commits:
        deadline = time.monotonic() + patience
        found: Commits = {}
        with closing(self.driver.connect()) as connection:
            while len(found) < count:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.name}: {len(found)} of {count} contributions")
                time.sleep(SQLITE_POLL_SECONDS)
                query = "SELECT id, order_id FROM crm_contribution WHERE id > ? ORDER BY id"
                rows = connection.execute(query, (after,)).fetchall()
                now = time.time()
                found |= {order_id: now for _, order_id in rows}
                after = rows[-1][0] if rows else after
        return found

    def version(self) -> str:
        return sqlite3.sqlite_version

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)


def _yesterday() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - 24 * 3600))


def _writable(value: object) -> object:
    """A value as a statement takes it: of JSON the text."""
    return json.dumps(value) if isinstance(value, dict) else value
