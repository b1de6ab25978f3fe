"""Swaps for the proofs: run, killed, and looked at."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import redis
from django.core.management import CommandError, call_command

from queues import instances
from tests.servers import Server, Valkey
from tests.trio import USED, Holdings, Trio, holdings
from tests.workers import ROOT, Stand


def at(server: Server) -> str:
    """HOST:PORT."""
    return f"127.0.0.1:{server.port}"


def swap(to: Server, *arguments: str) -> str:
    """Run the command here; what it wrote."""
    out = io.StringIO()
    call_command("swap_origin", "--to", at(to), *arguments, stdout=out)
    return out.getvalue()


def kill_at(
    step: str, servers: Trio, stand: Stand, marker: Path, *arguments: str, url: str = ""
) -> None:
    """Run the command in a process of its own, which is killed at the step."""
    clients = {"FRQUEUE_URL": url} if url else {"FRQUEUE_URL_FILE": str(servers.url_file)}
    environment = {
        **stand.environment,
        **clients,
        "SWAP_FAILPOINT": step,
        "FAILPOINT_MARKER": str(marker),
        "DJANGO_SETTINGS_MODULE": "fundraising.settings",
    }
    command = [sys.executable, "-m", "tests.proofs.swap_failpoints", "swap_origin"]
    killed = subprocess.run(
        [*command, "--to", at(servers.second), "--yes", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert marker.exists(), "it was not killed by the failpoint"


def assert_swapped(servers: Trio, to: Server, before: Holdings, counter: int = USED) -> None:
    """One origin, which clients are told of; on all that run all messages, and the counter."""
    assert servers.origins() == [to]
    assert servers.told() == to.url
    assert servers.url_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in servers.url_file.parent.iterdir()] == [servers.url_file.name]
    servers.wait_until_in_sync()
    for server in servers.running():
        now = holdings(server)
        assert (now.lists, now.reserved) == (before.lists, before.reserved)
        assert now.counter >= counter


def everything(servers: Trio) -> list[dict[str, Any]]:
    """All that a command could change: what each server holds, its role and configuration."""
    states = []
    for server in servers.running():
        with server.client() as client:
            keys = sorted(client.scan_iter())
            replication = client.info("replication")
            # Seconds that pass, and offsets that replicas have told of; Sentinels write too.
            offsets = "|.*offset" if "FRQUEUE_URL_FILE" not in os.environ else ""
            moving = re.compile(f"slave[0-9]|.*seconds|.*backlog|.*buffer{offsets}")
            still = {k: v for k, v in replication.items() if not moving.match(k)}
            states.append(
                {
                    "replication": still,
                    "config": client.config_get("*"),
                    "keys": {key: client.dump(key) for key in keys},
                }
            )
    return [*states, {"told": servers.told()}]


def looked_at(servers: Trio, *arguments: str) -> str:
    """What the command says that only looks, and changes nothing."""
    before = everything(servers)
    told = swap(servers.second, *arguments)
    assert everything(servers) == before
    return told


def abort(servers: Trio, *arguments: str) -> str:
    """What --abort tells; a dry run passes."""
    looked_at(servers, "--dry-run", *arguments)
    return looked_at(servers, "--abort", *arguments)


def way_back(told: str) -> list[str]:
    """The arguments of the last command that it tells."""
    return re.findall(r"manage.py swap_origin (.*)", told)[-1].split()


def swaps(to: Server) -> bool:
    """Whether a swap is done, and not refused for a client that is there."""
    try:
        swap(to, "--yes")
    except CommandError as error:
        assert "still on" in str(error) or "diverged" in str(error), error
        return False
    return True


def assert_swapped_by_sentinel(servers: Trio, url: str, before: Holdings) -> None:
    """As ``assert_swapped``; clients find the new origin, and no mark is left on the servers."""
    assert servers.origins() == [servers.second]
    servers.wait_until_in_sync()
    assert [holdings(each) for each in servers.servers] == [before] * 3
    client = instances.connect(url)
    assert client.info("server")["tcp_port"] == servers.second.port
    for server in servers.servers:
        config = server.client().config_get("min-replicas-to-write", "replica-priority")
        assert config == {"min-replicas-to-write": "0", "replica-priority": "100"}


class Producer(threading.Thread):
    """A front end that was not stopped: a connection for each push, to the origin it knows."""

    def __init__(self, origin: Server) -> None:
        super().__init__(daemon=True)
        self.origin = origin
        self.acknowledged: list[bytes] = []
        self.refused = 0
        self.done = threading.Event()

    def run(self) -> None:
        """Push until done."""
        number = 0
        while not self.done.wait(0.05):
            number += 1
            body = b"push %d" % number
            with self.origin.client() as client:
                try:
                    client.rpush("pending", body)
                except redis.ReadOnlyError:
                    self.refused += 1
                else:
                    self.acknowledged.append(body)


class Configured(Valkey):
    """With a configuration file, which it rewrites when asked to."""

    def arguments(self) -> list[str]:
        file = self.data_dir / "server.conf"
        if not file.exists():
            words = iter(super().arguments())
            lines = (f'{name.removeprefix("--")} "{next(words)}"\n' for name in words)
            file.write_text("".join(lines))
        return [str(file)]
