"""The project's tables on PostgreSQL, where two transactions really run at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import environ
import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django.plugin import DjangoDbBlocker

from tests.postgres import PostgreSQL, programs


@pytest.fixture(scope="session")
def postgresql(django_db_blocker: DjangoDbBlocker) -> Iterator[PostgreSQL]:
    """A server with the project's tables."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgreSQL() as server:
        with django_db_blocker.unblock(), _default_connection(server.url):
            call_command("migrate", verbosity=0)
        yield server


@pytest.fixture
def on_postgresql(postgresql: PostgreSQL, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The default connection, of every thread, is one to an empty PostgreSQL database."""
    with django_db_blocker.unblock(), _default_connection(postgresql.url):
        call_command("flush", interactive=False, verbosity=0)
        yield


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Workers; each has a database connection of its own."""
    with ThreadPoolExecutor() as executor:
        yield executor


def start(threads: ThreadPoolExecutor, work: Callable[..., Any], *args: Any) -> "Future[Any]":
    """Do the work in a thread, and close its connection."""

    def run() -> Any:
        try:
            return work(*args)
        finally:
            connection.close()

    return threads.submit(run)


def wait_until_one_waits() -> None:
    """Until some transaction of this database waits for a lock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


@contextmanager
def _default_connection(url: str) -> Iterator[None]:
    options = {"options": "-c lock_timeout=10s -c timezone=UTC"}
    database = {**environ.Env.db_url_config(url), "OPTIONS": options}
    before = connections.settings["default"]
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = connections.configure_settings({"default": database})[
        "default"
    ]
    try:
        yield
    finally:
        connections["default"].close()
        del connections["default"]
        connections.settings["default"] = before
