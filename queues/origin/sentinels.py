"""Sentinel, where it decides who is the origin: it is asked to choose the target.

SENTINEL FAILOVER makes the new origin before it makes the old one a replica, and does not wait for
anything. So the old one is fenced first.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis
from redis.sentinel import Sentinel

from queues.origin import Refused, contents
from queues.origin.fences import FIRST, PRIORITY, fence, is_first, release, reset_priorities
from queues.origin.nodes import SOCKET_TIMEOUT, Address, Node, sentinel_hosts
from queues.origin.waiting import wait_until

#: Seconds until Sentinel has looked at a replica again, or has ended a failover.
PATIENCE = 60.0


class Sentinels:
    """All Sentinels of a URL that answer, and what they say of their master."""

    def __init__(self, url: str) -> None:
        hosts, self.name, password = sentinel_hosts(url)
        self._all = Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types here
            hosts, socket_timeout=SOCKET_TIMEOUT, password=password, decode_responses=True
        ).sentinels
        self._clients = [client for client in self._all if _answers(client)]
        if not self._clients:
            raise Refused("no Sentinel answers")

    def __str__(self) -> str:
        return f"Sentinel's {self.name}"

    def known(self) -> list[Address]:
        """The origin and its replicas, by the first that answers."""
        return [self._origin(self._clients[0]), *map(_address, self._replicas())]

    def tells(self, node: Node) -> bool:
        """Whether all of them name this server."""
        return all(self._origin(client) in node.names for client in self._clients)

    def refusals(self) -> list[str]:
        """Whoever does not answer now would not hear of it."""
        silent = len(self._all) - len(self._clients)
        return [f"{silent} of {len(self._all)} Sentinels do not answer"] if silent else []

    def tell(self, target: Address) -> str:
        """They were told when they made it the origin."""
        return f"{self} says {target}"

    def priority_refusals(self, others: Iterable[Node]) -> list[str]:
        """A replica that Sentinel might prefer to the target."""
        return [
            f"{PRIORITY} of {node} is {FIRST}: Sentinel might choose it; set it to 100"
            for node in others
            if not node.state.is_master and is_first(node)
        ]

    def promote(self, target: Node, origin: Node | None, instance: str) -> None:
        """Make the target the origin; returns when all Sentinels name it.

        Raises :class:`Refused`, and then the old origin takes writes again.
        """
        wait_until(self._is_at_rest, "Sentinel has ended a failover", PATIENCE)
        if self.tells(target):  # that was the one
            return
        try:
            target.client.config_set(PRIORITY, FIRST)
            wait_until(lambda: self._sees_first(target), f"Sentinel sees {target}", PATIENCE)
            if origin:
                self._fence(origin, target, instance)
            wait_until(self._fail_over, "Sentinel finds the target suitable", PATIENCE)
        except Refused:
            nodes = [target, *([origin] if origin else [])]
            release(nodes)
            reset_priorities(nodes)
            raise
        wait_until(
            lambda: target.now().is_master and self.tells(target),
            f"all Sentinels name {target}",
            PATIENCE,
        )

    def _fence(self, origin: Node, target: Node, instance: str) -> None:
        fence(origin)
        wait_until(
            lambda: target.now().offset >= origin.now().offset, f"{target} has all of {origin}"
        )
        if found := contents.differences(origin, target, instance):
            raise Refused(*found)

    def _fail_over(self) -> bool:
        """Begin a failover; false if Sentinel has not heard yet that a replica is well again."""
        try:
            self._clients[0].sentinel_failover(self.name)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGOODSLAVE"):
                raise Refused(f"Sentinel: {error}") from error
            return False
        return True

    def _is_at_rest(self) -> bool:
        masters = (self._master(client) for client in self._clients)
        return not any("failover_in_progress" in str(each["flags"]) for each in masters)

    def _master(self, client: redis.Redis) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], client.sentinel_master(self.name))

    def _sees_first(self, target: Node) -> bool:
        return any(
            _address(each) in target.names
            and int(each["slave-priority"]) == FIRST
            and not (each["is_sdown"] or each["is_disconnected"])
            for each in self._replicas()
        )

    def _replicas(self) -> list[Mapping[str, Any]]:
        return cast(list[Mapping[str, Any]], self._clients[0].sentinel_slaves(self.name))

    def _origin(self, client: redis.Redis) -> Address:
        # Not get-master-addr-by-name: that tells the new one while the list is still the old
        # one's replicas, and the old one would be in neither.
        return _address(self._master(client))


def _address(each: Mapping[str, Any]) -> Address:
    return Address(str(each["ip"]), int(each["port"]))


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
