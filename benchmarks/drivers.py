"""The bare drivers of the two databases."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg

from benchmarks.rows import Row


class Driver(Protocol):
    """How to talk to a database without Django; goes to other processes."""

    name: str
    # What stands for a value in a statement, what begins a transaction that writes, and
    # what locks the rows of a query.
    placeholder: str
    begin: str
    for_update: str

    def connect(self) -> Any:  # noqa: ANN401 (of two drivers)
        """A connection in autocommit mode: a transaction is what ``begin`` begins."""

    def insert(self, connection: Any, statement: str, rows: Sequence[Row]) -> list[int]:  # noqa: ANN401
        """Insert rows with a statement that returns their ids."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Psycopg:
    """PostgreSQL; the driver prepares a statement that it meets often."""

    url: str
    name = "psycopg"
    placeholder = "%s"
    begin = "BEGIN"
    for_update = " FOR NO KEY UPDATE"

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    def insert(
        self, connection: psycopg.Connection[Any], statement: str, rows: Sequence[Row]
    ) -> list[int]:
        values = [tuple(row.values()) for row in rows]
        if len(values) == 1:
            return [row[0] for row in connection.execute(statement, values[0])]
        cursor = connection.cursor()
        cursor.executemany(statement, values, returning=True)
        return [row[0] for result in cursor.results() for row in result]


@dataclass(frozen=True)
class Sqlite3:
    """SQLite as the settings have it: WAL, synchronous FULL, foreign keys checked."""

    file: Path
    name = "sqlite3"
    placeholder = "?"
    begin = "BEGIN IMMEDIATE"
    for_update = ""

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def insert(
        self, connection: sqlite3.Connection, statement: str, rows: Sequence[Row]
    ) -> list[int]:
        return [
            row[0]
            for values in rows
            for row in connection.execute(statement, tuple(values.values()))
        ]
