"""A throw-away PostgreSQL server for tests, and Django on it for one thread."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import environ
import psycopg
from django.db import connections
from django.db.utils import ConnectionHandler

from tests.servers import free_port

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"


def programs() -> Path | None:
    """The directory of the newest PostgreSQL server's programs, None when not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgreSQL:
    """A server process with a new cluster. ``with PostgreSQL() as server: server.url ...``.

    Listens on a free loopback port. Start it in the main thread: the kernel ends it
    together with the thread that started it, where the platform can.
    """

    def __init__(self, *, durable: bool = False, directory: Path | None = None) -> None:
        """``durable`` keeps fsync on, for measurements; ``directory`` has other programs."""
        directory = directory or programs()
        if directory is None:
            raise RuntimeError("PostgreSQL is not installed")
        self._programs = directory
        self._durable = durable
        self.port = free_port()
        self.data_dir = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As ``DATABASE_URL`` takes it."""
        return f"postgres://{_USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> Self:
        """Make the cluster and wait until it answers."""
        if os.geteuid() == 0:  # the server refuses root
            shutil.chown(self.data_dir, _USER)
        words = ["-D", str(self.data_dir), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(self._command("initdb", *words), check=True, capture_output=True, cwd="/")
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(self.port),
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = self._command("postgres", "-D", str(self.data_dir), *words)
        with (self.data_dir / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        self._wait(self._process)
        return self

    def stop(self) -> None:
        """A fast shutdown, which does not wait for clients; the data is removed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _command(self, program: str, *words: str) -> Sequence[str]:
        """As the unprivileged user that the server demands, and tied to this process."""
        command = [str(self._programs / program), *words]
        if shutil.which("setpriv") is None:
            return command
        prefix = ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            prefix += ["--reuid", _USER, "--regid", _USER, "--init-groups"]
        return [*prefix, *command]

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.data_dir / "server.log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {log[-500:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def default_database(url: str) -> Iterator[None]:
    """Within, and in this thread only, Django's default database is the one of ``url``."""
    options = {"options": "-c lock_timeout=10s -c timezone=UTC"}
    database = {**environ.Env.db_url_config(url), "OPTIONS": options}
    handler = ConnectionHandler({"default": database})
    previous = connections["default"]
    connections["default"] = handler["default"]
    try:
        yield
    finally:
        handler["default"].close()
        connections["default"] = previous
