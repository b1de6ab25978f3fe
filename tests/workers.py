"""Real workers of the project, each a process with two children, on servers of their own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

import environ
from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler

from queues.celery import PERIODIC_QUEUE
from tests import postgres
from tests.servers import Server, Valkey

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
#: Seconds after which what a dead worker held is back on its list.
VISIBILITY_TIMEOUT = 3

_PASSED_ON = ("PATH", "HOME", "LANG", "PYTHONPATH", "DJANGO_SETTINGS_MODULE")


def wait_for(get: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """Wait until ``get`` gives something true, and return it. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not (value := get()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)
    return value


def children(pid: int) -> set[int]:
    """The pids of the children of a process; none if it is gone."""
    try:
        return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except FileNotFoundError:
        return set()


class Worker:
    """``celery -A fundraising worker -c 2`` in a process group of its own.

    ``with Worker(environment) as worker`` waits until it is ready, and ends it by SIGKILL.
    What it wrote is printed at the end, for pytest to show if the test fails.
    """

    def __init__(
        self, environment: Mapping[str, str], *arguments: str, app: str = "fundraising"
    ) -> None:
        self.arguments, self.environment, self.app = arguments, environment, app
        self._directory = Path(tempfile.mkdtemp(prefix="worker-"))
        self._log = self._directory / "log"
        self.heartbeats = self._directory / "heartbeats"

    def start(self) -> Self:
        """Start it; returns when it is ready for messages. In the main thread only."""
        setpriv = shutil.which("setpriv")
        tied_to_parent = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        command = [sys.executable, "-m", "celery", "--quiet", "--app", self.app, "worker"]
        options = [f"--hostname={self._directory.name}@%h", "--concurrency=2", "--loglevel=INFO"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*tied_to_parent, *command, *options, *self.arguments],
                cwd=ROOT,
                env={**self.environment, "HEARTBEAT_DIR": str(self.heartbeats)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for(lambda: " ready." in self.log() or not self.is_alive(), "the worker is ready")
            assert self.is_alive(), "the worker did not start"
        except AssertionError:
            self.__exit__()
            raise
        return self

    @property
    def name(self) -> str:
        """As Celery knows it."""
        return f"{self._directory.name}@{socket.gethostname()}"

    @property
    def pid(self) -> int:
        """Of the main process, and of its group."""
        return self.process.pid

    def children(self) -> set[int]:
        """The pids of its children."""
        return children(self.pid)

    def is_alive(self) -> bool:
        """Whether the main process runs."""
        return self.process.poll() is None

    def log(self) -> str:
        """All that it has written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def kill9(self) -> None:
        """SIGKILL to the main process and its children at once."""
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def wait_for_kill9(self, seconds: float = 60) -> None:
        """Wait until somebody else has killed it."""
        assert self.process.wait(seconds) == -signal.SIGKILL

    def stop(self, seconds: float = 30) -> int:
        """Warm shutdown by SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(seconds)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.is_alive():
            self.kill9()
        else:
            _kill_left(self.pid)
        print(f"--- worker {self.pid}\n{self.log()[-20_000:]}")  # noqa: T201
        shutil.rmtree(self._directory)


class Stand:
    """A broker, a database with the project's tables, and workers of the two."""

    def __init__(self, broker: Server, database_url: str) -> None:
        self.broker, self.database_url = broker, database_url
        self.redis = broker.client()
        mine = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.environment = {
            **mine,
            "SECRET_KEY": "test",
            "DATABASE_URL": database_url,
            "FRQUEUE_URL": broker.url,
            "DONOR_PREFS_URL": broker.url.removesuffix("0") + "1",
            "VISIBILITY_TIMEOUT": str(VISIBILITY_TIMEOUT),
            # Who develops in a container is root there.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        }

    def worker(self, *arguments: str, **environment: str) -> Worker:
        """A worker of all queues, or of those that ``arguments`` say; not started yet."""
        return Worker({**self.environment, **environment}, *arguments)

    def donor_prefs_worker(self) -> Worker:
        """A worker of the other instance, which is another database of the same server."""
        return Worker(self.environment, app="fundraising.donor_prefs")

    def worker_with_beat(self) -> Worker:
        """A worker that also runs the periodic jobs, such as the sweep of the outbox."""
        schedule = Path(tempfile.mkdtemp(prefix="beat-")) / "schedule"
        return self.worker("--beat", f"--schedule={schedule}")

    def clear(self) -> None:
        """Empty broker and database. Needs :meth:`database`."""
        self.redis.flushall()
        call_command("flush", interactive=False, verbosity=0)

    def lists(self) -> dict[str, int]:
        """The lengths of the lists of messages that are not empty; beat's own list aside."""
        names = {bytes(key).decode() for key in self.redis.scan_iter(_type="list")}
        names = {name for name in names if name != PERIODIC_QUEUE and ".reply." not in name}
        lengths = {name: int(self.redis.llen(name)) for name in names}
        return {name: length for name, length in lengths.items() if length}

    def held(self) -> dict[str, int]:
        """The sizes of what the transport keeps about messages in hand, where not empty."""
        sizes = {
            "reserved": int(self.redis.hlen("reserved")),
            "reserved_index": int(self.redis.zcard("reserved_index")),
            "deliveries": int(self.redis.hlen("deliveries")),
        }
        return {name: size for name, size in sizes.items() if size}

    def is_at_rest(self) -> bool:
        """Whether no message waits or is in hand."""
        return not self.lists() and not self.redis.exists("reserved")

    def forget_connection(self) -> None:
        """Connect to broker and database anew, as they were restarted. Needs :meth:`database`."""
        self.redis = self.broker.client()
        connections["default"].close()

    @contextmanager
    def database(self) -> Iterator[None]:
        """Within, Django's default database in this thread is the one of the workers."""
        if self.database_url.startswith("postgres"):
            with postgres.default_database(self.database_url):
                yield
        else:
            with _sqlite(self.database_url):
                yield


@contextmanager
def sqlite_stand(directory: Path, broker: Server | None = None) -> Iterator[Stand]:
    """A stand on SQLite, in an empty directory, and on Valkey if no other broker is given."""
    with broker or Valkey() as server:
        stand = Stand(server, f"sqlite:///{directory}/db.sqlite3")
        with stand.database():
            call_command("migrate", verbosity=0)
            yield stand


@contextmanager
def _sqlite(url: str) -> Iterator[None]:
    options = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",  # as in the settings
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    handler = ConnectionHandler(
        {"default": {**environ.Env.db_url_config(url), "OPTIONS": options}},
    )
    previous = connections["default"]
    connections["default"] = handler["default"]
    try:
        yield
    finally:
        handler["default"].close()
        connections["default"] = previous


def _kill_left(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # the usual case: nothing was left
