"""What keeps PgQ going in a database that has no pgqd: ticks, retries, rotation."""

import logging
import time
from threading import Event as Flag

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from queues.mover.interface import Away, Busy
from queues.mover.pgq.link import Link

log = logging.getLogger(__name__)

# Seconds, as pgqd has them: between two looks for events that are to be tried again, and between
# two rounds of rotation and vacuum.
RETRY_PERIOD = 30.0
MAINTENANCE_PERIOD = 120.0
# Before the next try, when the database is away or another ticker has it.
PAUSE = 1.0

# Each database has one ticker; advisory locks are of one database anyway.
_LOCK = "SELECT pg_try_advisory_lock(hashtext('pgq_ticker'))"


class Ticker:
    """Of one database. The role must be in ``pgq_admin``, and own the tables to vacuum them."""

    def __init__(self, dsn: str, period: float) -> None:
        """``period`` is in seconds: so often it is asked which queues are due for a tick.

        Raises ``ValueError`` for a text that is no connection string.
        """
        self._link = Link(dsn, "pgq_ticker")
        self._period = period
        self._locked: psycopg.Connection | None = None

    @property
    def place(self) -> str:
        """The database, as people call it."""
        return self._link.place

    def run(self, stop: Flag) -> None:
        """Until ``stop`` is set, over outages; waits while another ticker has the database."""
        complaint = ""
        try:
            while not stop.is_set():
                try:
                    self._serve(stop)
                except Away as error:
                    # The same again tells nobody anything.
                    if str(error) != complaint:
                        log.warning("%s", error)
                    complaint = str(error)
                    stop.wait(PAUSE)
        finally:
            self.close()

    def once(self) -> tuple[int, int]:
        """Tick, retry and maintain at once; how many queues had a tick, and events a retry.

        Raises ``Busy`` while another ticker has the database, ``Away``.
        """
        ticks, retried = self.tick(), self.retry()
        self.maintain()
        return ticks, retried

    def tick(self) -> int:
        """A tick for each queue that is due; how many."""
        return self._count("SELECT pgq.ticker()")

    def retry(self) -> int:
        """Put events back whose time has come; PgQ does a few at each call. How many."""
        count = 0
        while some := self._count("SELECT pgq.maint_retry_events()"):
            count += some
        return count

    def maintain(self) -> None:
        """What PgQ says is to be done; one failure does not keep the rest from it."""
        with self._link.use() as connection:
            self._hold(connection)
            query = "SELECT func_name, func_arg FROM pgq.maint_operations()"
            for name, argument in connection.execute(query).fetchall():
                try:
                    connection.execute(_operation(name, argument))
                except psycopg.Error as error:
                    if connection.closed:
                        raise
                    log.warning("%s: %s %s: %s", self.place, name, argument or "", error.sqlstate)

    def close(self) -> None:
        """Another ticker may take over."""
        self._link.close()
        self._locked = None

    def _serve(self, stop: Flag) -> None:
        due = {self.retry: 0.0, self.maintain: 0.0}
        periods = {self.retry: RETRY_PERIOD, self.maintain: MAINTENANCE_PERIOD}
        while not stop.is_set():
            self.tick()
            for work, moment in due.items():
                if time.monotonic() >= moment:
                    work()
                    due[work] = time.monotonic() + periods[work]
            stop.wait(self._period)

    def _count(self, query: str) -> int:
        with self._link.use() as connection:
            self._hold(connection)
            row = connection.cursor(row_factory=scalar_row).execute(query).fetchone()
        return row or 0

    def _hold(self, connection: psycopg.Connection) -> None:
        if self._locked is connection:
            return
        row = connection.execute(_LOCK).fetchone()
        if not (row and row[0]):
            raise Busy(f"{self.place}: another ticker is at work")
        self._locked = connection


def _operation(name: str, argument: str | None) -> sql.Composed:
    """``vacuum`` means the command; everything else is a function of one argument or none."""
    if name == "vacuum":
        return sql.SQL("VACUUM {}").format(sql.Identifier(*(argument or "").split(".", 1)))
    function = sql.Identifier(*name.split(".", 1))
    values = sql.SQL("") if argument is None else sql.Literal(argument)
    return sql.SQL("SELECT {}({})").format(function, values)
