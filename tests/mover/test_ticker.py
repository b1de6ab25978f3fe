"""PgQ without pgqd: ticks, retries, rotation; one ticker a database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from queues.mover.interface import Away, Busy
from queues.mover.ticker import Ticker
from tests.pgq import Cluster, Database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ticker(source: Database) -> Iterator[Ticker]:
    """Of the source database."""
    # PostgreSQL may not have noticed yet that the one before is gone.
    until(lambda: source.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0)
    made = Ticker(source.dsn, period=0.01)
    yield made
    made.close()


@pytest.fixture
def reader(source: Database) -> str:
    """A consumer of the queue `gifts` that has seen everything."""
    source.run("SELECT pgq.register_consumer('gifts', 'reader')")
    source.consumed("gifts", "reader")
    return "reader"


def batches(source: Database, reader: str) -> bool:
    """Whether the reader has a batch."""
    return source.one("SELECT pgq.next_batch('gifts', %s)", reader) is not None


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, at most 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def test_ticks_make_batches(source: Database, reader: str, ticker: Ticker) -> None:
    source.insert("gifts", "one")
    assert not batches(source, reader)
    assert ticker.tick() == 1
    assert batches(source, reader)


def test_events_to_try_again_come_back(source: Database, reader: str, ticker: Ticker) -> None:
    source.insert("gifts", *map(str, range(25)))
    ticker.tick()
    batch = source.one("SELECT pgq.next_batch('gifts', %s)", reader)
    source.run("SELECT pgq.batch_retry(%s, 0)", batch)
    source.run("SELECT pgq.finish_batch(%s)", batch)
    assert ticker.retry() == 25
    assert sorted(source.consumed("gifts", reader), key=int) == list(map(str, range(25)))


def test_tables_rotate(source: Database, reader: str, ticker: Ticker) -> None:
    source.run("UPDATE pgq.queue SET queue_rotation_period = '0'")
    state = "SELECT queue_cur_table, queue_switch_step2 IS NOT NULL FROM pgq.queue"
    assert source.all(state) == [(0, True)]
    ticker.maintain()
    assert source.all(state) == [(1, True)]


def test_a_failure_does_not_keep_the_rest_from_being_maintained(
    source: Database, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    """The queues come in the order of their names; the first has a function that is missing."""
    source.create_queue("also")
    source.run("UPDATE pgq.queue SET queue_extra_maint = '{pgq.nothing}' WHERE queue_name = 'also'")
    source.run("UPDATE pgq.queue SET queue_rotation_period = '0' WHERE queue_name = 'gifts'")
    ticker.maintain()
    assert "pgq.nothing also: 42883" in caplog.text
    assert source.one("SELECT queue_cur_table FROM pgq.queue WHERE queue_name = 'gifts'") == 1


def test_a_second_ticker_waits_for_the_first(source: Database, reader: str, ticker: Ticker) -> None:
    ticker.tick()
    source.consumed("gifts", reader)
    stop = Event()
    second = Ticker(source.dsn, period=0.01)
    with pytest.raises(Busy, match="another ticker is at work"):
        second.tick()
    running = Thread(target=second.run, args=[stop])
    running.start()
    try:
        source.insert("gifts", "one")
        assert not batches(source, reader)
        ticker.close()
        until(lambda: batches(source, reader))
    finally:
        stop.set()
        running.join()


def test_it_outlives_its_connection(source: Database, reader: str, ticker: Ticker) -> None:
    ticker.tick()
    source.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'pgq_ticker'"
    )
    with pytest.raises(Away):
        ticker.tick()
    source.insert("gifts", "one")
    ticker.tick()
    assert batches(source, reader)


def test_once(source: Database, target: Database, reader: str) -> None:
    source.insert("gifts", "one")
    out = StringIO()
    call_command("pgq_ticker", source.dsn, target.dsn, "--once", stdout=out)
    first, second = out.getvalue().splitlines()
    assert first.startswith("source@127.0.0.1")
    assert first.endswith(": 1 ticks, 0 events to try again")
    assert second.startswith("target@127.0.0.1")
    assert batches(source, reader)


def test_once_beside_another_fails_with_a_reason(source: Database, ticker: Ticker) -> None:
    ticker.tick()
    with pytest.raises(CommandError, match="another ticker is at work"):
        call_command("pgq_ticker", source.dsn, "--once")


def test_a_database_without_pgq(cluster: Cluster) -> None:
    dsn = cluster.server.url
    with pytest.raises(CommandError, match='schema "pgq" does not exist'):
        call_command("pgq_ticker", dsn, "--once")


def test_a_text_that_is_no_dsn_is_not_shown() -> None:
    with pytest.raises(CommandError, match="no connection string") as caught:
        call_command("pgq_ticker", "hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(
    number: signal.Signals, source: Database, target: Database, reader: str
) -> None:
    target.run("SELECT pgq.register_consumer('donations', 'reader')")
    source.insert("gifts", "one")
    target.insert("donations", "two")
    command = [sys.executable, "manage.py", "pgq_ticker", "--period", "0.01"]
    with subprocess.Popen([*command, source.dsn, target.dsn], cwd=ROOT, env=os.environ) as process:
        try:
            until(lambda: batches(source, reader))
            until(lambda: target.one("SELECT pgq.next_batch('donations', 'reader')") is not None)
            process.send_signal(number)
            assert process.wait(20) == 0
        finally:
            process.kill()
