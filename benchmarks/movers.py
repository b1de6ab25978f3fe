"""Movers between two databases with PgQ, beside the original's way and a bare COPY."""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.databases import ROOT
from benchmarks.donations import message
from queues.mover.moving import Mover
from queues.mover.pgq.source import COLUMNS, PgqSource
from queues.mover.pgq.target import PgqTarget
from tests.pgq import Cluster

NAME, QUEUE, TARGET_QUEUE = "benchmark", "gifts", "donations"
SERIAL = "serial_consumer.py"
# Debian's own, which has its packages; isolated, so that it finds no module beside the script.
DEBIAN_PYTHON = ("/usr/bin/python3", "-I")
LATENCY_RATE = 10.0
WARM_UP = 20
PATIENCE = 60.0
# Seconds: how often the ticker looks, and a mover that has nothing to do.
TICKER_PERIOD, LOOP_DELAY = 0.1, 0.05

# What a SerialConsumer needs on the target; its own package of functions is not in Debian.
_PGQ_EXT = """
CREATE SCHEMA pgq_ext;
CREATE TABLE pgq_ext.completed_tick (consumer text PRIMARY KEY, tick bigint);
CREATE FUNCTION pgq_ext.get_last_tick(text) RETURNS bigint LANGUAGE sql AS
    'SELECT tick FROM pgq_ext.completed_tick WHERE consumer = $1';
CREATE FUNCTION pgq_ext.set_last_tick(text, bigint) RETURNS void LANGUAGE sql AS
    'INSERT INTO pgq_ext.completed_tick VALUES ($1, $2)
     ON CONFLICT (consumer) DO UPDATE SET tick = $2';
"""


class Movers:
    """Two databases of a cluster, and what moves events from one into the other."""

    def __init__(self, cluster: Cluster, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._source = cluster.database("mover_source")
        self._target = cluster.database("mover_target")
        self._target.connection.execute(_PGQ_EXT)
        self._log = Path(tempfile.mkdtemp(prefix="movers-")) / "log"
        now = datetime.now(UTC)
        self._rows = [(now, "donation", message(n).decode(), QUEUE) for n in range(1000)]

    def close(self) -> None:
        """Give up the connections; the databases go with their cluster."""
        self._source.close()
        self._target.close()

    def moved(self, size: int, batches: int) -> float:
        """Events a second by our mover, the copying of its first batch apart."""
        with self._backlog(size, batches):
            source = PgqSource(self._source.dsn, QUEUE, NAME)
            target = PgqTarget(self._target.dsn, NAME)
            mover = Mover(source, target, QUEUE, NAME, TARGET_QUEUE)
            target.register(mover.consumer)
            mover.turn()
            begun = time.monotonic()
            while mover.turn():
                pass
            seconds = time.monotonic() - begun
            source.close()
            target.close()
        return size * batches / seconds

    def moved_by_original(self, size: int, batches: int) -> float:
        """Events a second by python3-pgq, its first batch apart."""
        with self._backlog(size, batches):
            config = self._config("serial.ini", use_skylog="0")
            script = Path(__file__).with_name(SERIAL)
            command = [*DEBIAN_PYTHON, str(script), str(config)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return size * batches / float(done.stdout)

    def copied(self, size: int, batches: int) -> float:
        """Events a second by COPY of bytes that are there into the target's table: the limit."""
        columns = ", ".join(COLUMNS)
        with self._backlog(size, batches):
            table = self._source.one("SELECT pgq.current_event_table(%s)", QUEUE)
            cursor = self._source.connection.cursor()
            some = f"SELECT {columns} FROM {table} LIMIT {size}"  # noqa: S608  our own names
            with cursor.copy(f"COPY ({some}) TO STDOUT (FORMAT binary)") as copy:
                content = b"".join(copy)
            table = self._target.one("SELECT pgq.current_event_table(%s)", TARGET_QUEUE)
            statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
            cursor = self._target.connection.cursor()
            for number in range(batches + 1):
                if number == 1:
                    begun = time.monotonic()
                with cursor.copy(statement) as copy:
                    copy.write(content)
            seconds = time.monotonic() - begun
        return size * batches / seconds

    def latencies(self, seconds: float) -> list[float]:
        """Seconds from just before an insert to the commit on the target, at ten a second.

        With the commands as they run in production: a ticker and a mover.
        """
        with self._queues():
            self._source.run("SELECT pgq.register_consumer(%s, %s)", QUEUE, NAME)
            config = self._config("mover.ini", loop_delay=str(LOOP_DELAY))
            self._run("queue_mover", "--register", str(config)).wait(PATIENCE)
            processes = [
                self._run("pgq_ticker", "--period", str(TICKER_PERIOD), self._source.dsn),
                self._run("queue_mover", "-q", str(config)),
            ]
            try:
                return self._latencies(round(seconds * LATENCY_RATE))
            finally:
                for process in processes:
                    process.terminate()
                    process.wait(PATIENCE)

    def _latencies(self, count: int) -> list[float]:
        inserted = {}
        for number in range(WARM_UP + count):
            if number == WARM_UP:
                self._arrived(WARM_UP)
            time.sleep(random.expovariate(LATENCY_RATE))
            inserted[str(number)] = time.time()
            self._source.insert(QUEUE, str(number))
        self._arrived(WARM_UP + count)
        query = (
            "SELECT ev_data, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8"
            " FROM pgq.event_template"
        )
        return [
            moment - inserted[number]
            for number, moment in self._target.all(query)
            if int(number) >= WARM_UP
        ]

    def _arrived(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._target.one("SELECT count(*) FROM pgq.event_template") < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the mover does not move, see {self._log}")
            time.sleep(0.1)

    @contextmanager
    def _queues(self) -> Iterator[None]:
        """New ones, which are gone afterwards."""
        self._source.create_queue(QUEUE)
        self._target.create_queue(TARGET_QUEUE)
        yield
        self._target.run("DELETE FROM pgq_ext.completed_tick")
        self._source.clear()
        self._target.clear()

    @contextmanager
    def _backlog(self, size: int, batches: int) -> Iterator[None]:
        """So many batches and one wait; all must have come when this is left."""
        with self._queues():
            self._source.run("SELECT pgq.register_consumer(%s, %s)", QUEUE, NAME)
            table = self._source.one("SELECT pgq.current_event_table(%s)", QUEUE)
            statement = f"COPY {table} (ev_time, ev_type, ev_data, ev_extra1) FROM STDIN"
            for _ in range(batches + 1):
                with self._source.connection.cursor().copy(statement) as copy:
                    for number in range(size):
                        copy.write_row(self._rows[number % len(self._rows)])
                self._source.tick()
            yield
            moved = self._target.one("SELECT count(*) FROM pgq.event_template")
            if moved != size * (batches + 1):
                raise RuntimeError(f"{moved} events were moved of {size * (batches + 1)}")

    def _config(self, name: str, **more: str) -> Path:
        """A file that both read, ours and the original's way."""
        values = {
            "job_name": NAME,
            "src_db": self._source.dsn,
            "dst_db": self._target.dsn,
            "queue_name": QUEUE,
            "dst_queue_name": TARGET_QUEUE,
            **more,
        }
        path = self._log.with_name(name)
        lines = [f"{key} = {value}\n" for key, value in values.items()]
        path.write_text("[queue_mover]\n" + "".join(lines))
        return path

    def _run(self, *words: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def has_original() -> bool:
    """Whether python3-pgq is installed for Debian's own python3."""
    try:
        command = [*DEBIAN_PYTHON, "-c", "import pgq"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
