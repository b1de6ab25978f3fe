"""The servers of an instance, and what they say of their replication."""

import secrets
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import AuthorizationError
from redis.retry import Retry

from queues.origin import Refused

#: Seconds until a server that does not answer counts as away.
SOCKET_TIMEOUT = 5.0
#: What the connections of this process are called in CLIENT LIST, and no other's.
CLIENT_NAME = f"swap_origin-{secrets.token_hex(4)}"


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(text: str) -> Address:
    """Parse ``HOST:PORT``. Raises ``ValueError``."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or not parts.port or parts.username or parts.path:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return Address(parts.hostname, parts.port)


@dataclass(frozen=True)
class Access:
    """How the servers of an instance are reached but for their address: TLS, credentials,
    database.
    """

    options: Mapping[str, Any] = field(repr=False)
    _clients: dict[Address, redis.Redis] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, url: str, *, username: str = "", password: str = "") -> Self:
        """As clients with this URL, but for the credentials if a password is given."""
        if url.startswith("sentinel://"):
            last = urlsplit(url.split(";")[-1])
            options: dict[str, Any] = {"db": int(last.path.lstrip("/") or 0)}
            if last.password:
                options["password"] = last.password
        elif url.startswith(("redis://", "rediss://")):
            options = dict(parse_url(url))  # type: ignore[no-untyped-call]  # redis-py has none here
        else:
            raise Refused("a server behind a Unix socket has no replicas to swap it for")
        if password:
            options |= {"username": username or None, "password": password}
        return cls(options)

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        connection = self.options.get("connection_class", redis.Connection)
        return issubclass(connection, redis.SSLConnection)

    def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            client.close()

    def client(self, where: Address) -> redis.Redis:
        """The client of one server."""
        if where not in self._clients:
            self._clients[where] = self.connect(where)
        return self._clients[where]

    def connect(self, where: Address, **options: Any) -> redis.Redis:  # noqa: ANN401  redis-py's
        """Another client of one server; ``options`` replace those of the URL."""
        fixed = {
            "host": where.host,
            "port": where.port,
            "client_name": CLIENT_NAME,
            "socket_timeout": SOCKET_TIMEOUT,
            "socket_connect_timeout": SOCKET_TIMEOUT,
            # A server whose role changes closes connections.
            "retry": Retry(NoBackoff(), 1),
        }
        pool = redis.ConnectionPool(**{**self.options, **fixed, **options})
        return redis.Redis.from_pool(pool)  # which closes it


@dataclass(frozen=True)
class Replication:
    """What ``INFO replication`` said at an instant."""

    is_master: bool
    #: The history of writes that the server follows, and how far it has come in it, in bytes.
    history: str
    offset: int
    #: Until where the history before this one was the same, and its name.
    former: str
    former_end: int
    #: Of a replica: its master, and whether it hears from it.
    master: Address | None
    is_linked: bool
    is_syncing: bool
    #: Seconds; below 0 if it never heard from it since it started.
    unlinked_for: int
    #: Of a server that is in the middle of FAILOVER.
    is_failing_over: bool
    replicas: tuple[Address, ...]

    @classmethod
    def of(cls, client: redis.Redis) -> Self:
        """Ask a server. Raises ``redis.RedisError``."""
        info: Mapping[str, Any] = client.info("replication")
        is_master = info["role"] == "master"
        count = int(info["connected_slaves"])
        listed = [info[f"slave{n}"] for n in range(count) if f"slave{n}" in info]
        return cls(
            is_master=is_master,
            history=str(info["master_replid"]),
            offset=int(info["master_repl_offset"]),
            former=str(info["master_replid2"]),
            former_end=int(info["second_repl_offset"]) - 1,
            master=None
            if is_master
            else Address(str(info["master_host"]), int(info["master_port"])),
            is_linked=info.get("master_link_status") == "up",
            is_syncing=bool(info.get("master_sync_in_progress")),
            unlinked_for=int(info.get("master_link_down_since_seconds", 0)),
            is_failing_over=info.get("master_failover_state", "no-failover") != "no-failover",
            replicas=tuple(Address(str(each["ip"]), int(each["port"])) for each in listed),
        )

    def holds_all_of(self, other: "Replication") -> bool:
        """Whether every write that the other server has is known to be here too."""
        if other.history == self.history:
            return other.offset <= self.offset
        return other.history == self.former and other.offset <= self.former_end


@dataclass(frozen=True)
class Node:
    """A server that answers."""

    address: Address
    client: redis.Redis
    run_id: str
    state: Replication
    #: All that it was called by whoever named it.
    names: set[Address]

    def now(self) -> Replication:
        """Its state, asked anew. Raises ``redis.RedisError``."""
        return Replication.of(self.client)

    def follows(self, origin: "Node") -> bool:
        """Whether it is now a replica of that server, and in touch with it."""
        state = self.now()
        return state.master in origin.names and state.is_linked

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True)
class Survey:
    """All servers of an instance that could be found."""

    target: Node
    #: The target is one of them.
    nodes: tuple[Node, ...]
    #: Those that somebody named and that do not answer.
    away: tuple[Address, ...]

    @property
    def others(self) -> tuple[Node, ...]:
        """All but the target."""
        return tuple(node for node in self.nodes if node is not self.target)

    @property
    def origins(self) -> tuple[Node, ...]:
        """Those that are no replica; there should be one."""
        return tuple(node for node in self.nodes if node.state.is_master)

    def named(self, where: Address) -> Node | None:
        """The server that is called so."""
        return next((node for node in self.nodes if where in node.names), None)


def survey(access: Access, target: Address, start: Iterable[Address]) -> Survey:
    """Find the servers of an instance: those named, their masters, and all replicas.

    Raises :class:`Refused` if the target does not answer, or one answers but not to us.
    """
    found: dict[str, Node] = {}
    away: list[Address] = []
    waiting, known = deque([target, *start]), set[Address]()
    while waiting:
        where = waiting.popleft()
        if where in known:
            continue
        known.add(where)
        node = _reach(access, where)
        if node is None:
            away.append(where)
            continue
        # One server may have several names; its state is read once.
        node = found.setdefault(node.run_id, node)
        node.names.add(where)
        waiting.extend(node.state.replicas)
        if node.state.master:
            waiting.append(node.state.master)
    if target in away:
        raise Refused(f"{target} does not answer")
    nodes = tuple(found.values())
    return Survey(nodes[0], nodes, tuple(away))


def _reach(access: Access, where: Address) -> Node | None:
    """A server, or None if it does not answer."""
    client = access.client(where)
    try:
        run_id = str(client.info("server")["run_id"])
        return Node(where, client, run_id, Replication.of(client), {where})
    except (redis.AuthenticationError, AuthorizationError, redis.ResponseError) as error:
        raise Refused(f"{where} does not let us in: {error}") from error
    except redis.BusyLoadingError as error:
        raise Refused(f"{where} is still loading its data") from error
    except (redis.ConnectionError, redis.TimeoutError):
        return None


def sentinel_hosts(url: str) -> tuple[list[Address], str, str | None]:
    """The Sentinels of a ``sentinel://`` URL, the name of their master, and their password."""
    hosts = [urlsplit(part) for part in url.split(";")]
    name = parse_qs(hosts[-1].query)["master_name"][0]
    addresses = [Address(host.hostname or "", host.port or 26379) for host in hosts]
    return addresses, name, hosts[-1].password
