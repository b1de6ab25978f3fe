"""Real workers of the app beside, on a real server."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

from tests.servers import Server, Valkey

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
QUEUES = "donations,gifts,refunds,limited,other"
#: Seconds; what the app has, and what a dead worker's messages may take to come back.
VISIBILITY_TIMEOUT = 2.0


def wait_for(get: Callable[[], T], timeout: float = 20) -> T:
    """Wait until `get` gives something true, and return it."""
    deadline = time.monotonic() + timeout
    while not (value := get()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return value


def without_django(**environment: str) -> dict[str, str]:
    """The environment of a Celery app that is no Django project."""
    return {
        name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
    } | environment


class Worker:
    """A Celery worker in a process of its own; `with Worker(server.url): ...` waits until it is
    ready.
    """

    def __init__(self, url: str, *arguments: str, **environment: str) -> None:
        self.arguments, self.environment = arguments, without_django(BROKER=url, **environment)
        self.log = Path(tempfile.mkstemp(prefix="worker-", suffix=".log")[1])

    def start(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "tests.queues.transport.app", "worker",
                 "-Q", QUEUES, "-c", "2", "-l", "info", "--without-mingle", "--without-gossip",
                 *self.arguments],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_for(lambda: "ready." in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill9(self) -> None:
        """SIGKILL all its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Warm shutdown; an error if it takes longer than a clean one does."""
        self.process.terminate()
        assert self.process.wait(15) == 0, self.log.read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.alive():
            self.kill9()
        self.log.unlink()


class Broker:
    """What the tests look at on a server."""

    def __init__(self, server: Server) -> None:
        self.url, self.client = server.url, server.client()

    def push(self, queue: str, *messages: bytes | str) -> None:
        self.client.rpush(queue, *messages)

    def results(self, kind: str = "got", **wanted: object) -> list[dict[str, Any]]:
        """What tasks recorded, of one kind, with these facts."""
        entries = [json.loads(entry) for entry in self.client.lrange("results", 0, -1)]
        return [
            e
            for e in entries
            if e["kind"] == kind and all(e.get(k) == v for k, v in wanted.items())
        ]

    def texts(self, kind: str = "got") -> list[str]:
        """The messages of all deliveries of one kind, in order."""
        return [text for entry in self.results(kind) for text in entry["texts"]]

    def waiting(self, queue: str) -> list[str]:
        """What stands on a list, from its head."""
        return [bytes(text).decode() for text in self._range(queue)]

    def _range(self, queue: str) -> list[Any]:
        return self.client.lrange(queue, 0, -1)

    def damaged(self, queue: str) -> list[dict[str, Any]]:
        return [json.loads(entry) for entry in self.client.lrange(f"{queue}-damaged", 0, -1)]

    def at_rest(self) -> bool:
        """Whether no message waits or is reserved."""
        return not any(map(self.client.exists, ["reserved", "reserved_index", *QUEUES.split(",")]))


@pytest.fixture(scope="module")
def worker(valkey: Valkey) -> Iterator[Worker]:
    """A prefork worker with two children for the tests of a module."""
    valkey.client().flushall()
    with Worker(valkey.url) as running:
        yield running


@pytest.fixture
def broker(valkey: Valkey) -> Iterator[Broker]:
    """The server of the session; what the test left is gone after it."""
    broker = Broker(valkey)
    yield broker
    broker.client.delete(
        "results", "deliveries", "deliveries_index", *(f"{q}-damaged" for q in QUEUES.split(","))
    )
