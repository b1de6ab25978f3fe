"""Commits, watched by a thread while somebody else writes."""

from threading import Thread
from typing import Self

from benchmarks.databases import Commits, Database

PATIENCE = 300.0


class Observed:
    """The commits of so many contributions that begin to come once this is entered."""

    def __init__(self, database: Database, after: int, count: int) -> None:
        self._arguments = (after, count, PATIENCE)
        self._database = database
        self._commits: Commits = {}
        self._thread = Thread(target=self._watch, daemon=True)

    @property
    def commits(self) -> Commits:
        """order_id → unix time. Raises ``TimeoutError`` when they did not all come."""
        if not self._commits:
            raise TimeoutError(f"{self._database.name}: not all rows were committed")
        return self._commits

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._thread.join()

    def _watch(self) -> None:
        self._commits = self._database.commits(*self._arguments)
