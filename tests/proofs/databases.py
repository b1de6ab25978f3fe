"""A PostgreSQL that crashes and comes back with its data."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection

from tests.postgres import PostgreSQL
from tests.servers import Server, Valkey
from tests.workers import Stand


class CrashingPostgreSQL(PostgreSQL):
    """As production's: what it has committed outlives it."""

    def __init__(self) -> None:
        super().__init__(durable=True)

    @property
    def pid(self) -> int:
        """Of the postmaster; only while it runs."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def crash(self) -> None:
        """An immediate shutdown: its processes drop everything, and recover at the next start."""
        assert self._process is not None, "the server is not running"
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)
        self._process = None

    def come_back(self) -> None:
        """Start again with the same data, and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(self.port),
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = self._command("postgres", "-D", str(self.data_dir), *words)
        with (self.data_dir / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        self._wait(self._process)


@contextmanager
def postgresql_stand(database: PostgreSQL, broker: Server | None = None) -> Iterator[Stand]:
    """A stand on this database, and on Valkey if no other broker is given."""
    with broker or Valkey() as server:
        stand = Stand(server, database.url)
        with stand.database():
            call_command("migrate", verbosity=0)
            yield stand
            connection.close()
