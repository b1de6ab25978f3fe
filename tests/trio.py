"""An origin with two replicas, that hold messages, and what clients read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from queues import reserved, sequences
from tests.servers import Server
from tests.workers import wait_for

SEQUENCE = "contribution-tracking"
#: What the origin's counter has come to.
USED = 4_000
QUEUES = {"donations": 250, "donations-damaged": 3, "contribution-tracking": 40}
IN_HAND = 5
#: A first copy of the data waits for no more replicas; offsets move by writes alone.
OPTIONS = {"repl_diskless_sync_delay": "0", "repl_ping_replica_period": "3600"}
#: What tests change of the servers' configuration, as it is usually.
CONFIG = {
    "replica-read-only": "yes",
    "replica-priority": "100",
    "min-replicas-to-write": "0",
    "min-replicas-max-lag": "10",
    "masterauth": "",
    "masteruser": "",
}


class Trio:
    """Servers of one instance; ``first`` is the origin."""

    def __init__(self, servers: Sequence[Server], url_file: Path) -> None:
        self.servers = list(servers)
        self.url_file = url_file

    @property
    def first(self) -> Server:
        """The origin, before a swap."""
        return self.servers[0]

    @property
    def second(self) -> Server:
        """One replica of it."""
        return self.servers[1]

    @property
    def third(self) -> Server:
        """The other."""
        return self.servers[2]

    def told(self) -> str:
        """The URL that clients read."""
        return self.url_file.read_text()

    def running(self) -> list[Server]:
        """Those that answer."""
        return [each for each in self.servers if is_alive(each)]

    def origins(self) -> list[Server]:
        """Those that take writes."""
        return [each for each in self.running() if role(each) == "master"]

    def in_sync(self) -> bool:
        """Whether all that run follow the one origin and have all that it has."""
        states = [each.client().info("replication") for each in self.running()]
        followers = [state for state in states if state["role"] == "slave"]
        return (
            len(followers) == len(states) - 1
            and all(state["master_link_status"] == "up" for state in followers)
            and len({state["master_repl_offset"] for state in states}) == 1
        )

    def wait_until_in_sync(self) -> None:
        """Raises AssertionError if it takes long."""
        wait_for(self.in_sync, "replicas are in sync", 20)

    def begin(self) -> None:
        """From whatever was left: one origin, filled, its replicas in sync, clients sent to it."""
        for server in self.servers:
            if not is_alive(server):
                server.kill9()
                server.start()
            client = server.client()
            for name, value in CONFIG.items():
                client.config_set(name, value)
            client.acl_setuser(
                "default", enabled=True, nopass=True, categories=["+@all"], keys=["*"]
            )
            for user in set(client.acl_users()) - {"default"}:
                client.acl_deluser(user)
        # Whose history is the longest: the others need no copy of everything.
        self.servers.sort(key=lambda each: role(each) != "master")
        self.first.client().replicaof("NO", "ONE")
        self.first.client().flushall()
        fill(self.first.client())
        follow(self.second, self.first)
        follow(self.third, self.first)
        self.url_file.write_text(self.first.url)
        self.wait_until_in_sync()


class Holdings(NamedTuple):
    """All messages on a server, and its counter."""

    lists: Mapping[str, list[bytes]]
    reserved: Mapping[bytes, bytes]
    counter: int


def holdings(server: Server) -> Holdings:
    """What a server has now."""
    client = server.client()
    names = sorted(key.decode() for key in client.scan_iter(_type="list"))
    lists = {name: client.lrange(name, 0, -1) for name in names}
    return Holdings(lists, client.hgetall(reserved.RESERVED), sequences.counter(client, SEQUENCE))


def is_alive(server: Server) -> bool:
    """Whether it answers."""
    try:
        with redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def role(server: Server) -> str:
    """``master`` or ``slave``."""
    return str(server.client().info("replication")["role"])


def follow(server: Server, origin: Server) -> None:
    """Make it a replica."""
    server.client().replicaof("127.0.0.1", str(origin.port))


def hold(client: redis.Redis) -> None:
    """As ``maintenance begin`` does."""
    fields = {"since": "2026-11-21T12:00:00+00:00", "by": "a test", "reason": "swap", "window": 1}
    client.hset(reserved.MAINTENANCE, mapping=fields)


def fill(client: redis.Redis) -> None:
    """Messages on lists and in hand, a counter, and no consumption."""
    for queue, count in QUEUES.items():
        client.rpush(queue, *(f'{{"n": {n}, "queue": "{queue}"}}' for n in range(count)))
    command = reserved.reserve_command(
        ["donations"],
        {"donations": IN_HAND},
        prefix="0001-",
        lease=600,
        room=1,
        group_bytes=2**20,
        message_bytes=2**20,
    )
    client.execute_command(*command)
    sequences.raise_to(client, SEQUENCE, USED)
    hold(client)


@contextmanager
def trio(kind: type[Server], directory: Path) -> Iterator[Trio]:
    """Three servers of a kind, in sync and filled."""
    with ExitStack() as stack:
        servers = [stack.enter_context(kind(**OPTIONS)) for _ in range(3)]
        made = Trio(servers, directory / "frqueue-url")
        made.begin()
        yield made
