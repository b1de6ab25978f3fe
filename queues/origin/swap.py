"""One swap: what it is to do, and what it finds."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from queues.origin import nodes, pointers
from queues.origin.nodes import Access, Address, Node, Survey
from queues.origin.pointers import Pointer
from queues.origin.sentinels import Sentinels


def access(instance: str) -> Access:
    """With the credentials of the clients' URL, or with those of ``REDIS_OPERATOR_USERNAME`` and
    ``REDIS_OPERATOR_PASSWORD``. Raises :class:`Refused`.
    """
    return Access.of(
        settings.REDIS_INSTANCES[instance],
        username=os.environ.get("REDIS_OPERATOR_USERNAME", ""),
        password=os.environ.get("REDIS_OPERATOR_PASSWORD", ""),
    )


@dataclass(frozen=True)
class Swap:
    """The order to make a server the origin of an instance, and the servers as they are now."""

    instance: str
    to: Address
    replicas: Sequence[Address]
    access: Access
    pointer: Pointer
    found: Survey

    @classmethod
    def look(cls, instance: str, to: Address, replicas: Sequence[Address], access: Access) -> Self:
        """Find the servers. Raises :class:`Refused` and ``RedisError``."""
        pointer = pointers.of(instance, settings.REDIS_INSTANCES[instance], os.environ)
        found = nodes.survey(access, to, [*pointer.known(), *replicas])
        return cls(instance, to, replicas, access, pointer, found)

    def again(self) -> "Swap":
        """The same, as things stand now; no server is forgotten that was found before."""
        found = [*(node.address for node in self.found.nodes), *self.found.away]
        start = list(dict.fromkeys([*self.replicas, *found]))
        return Swap.look(self.instance, self.to, start, self.access)

    @property
    def target(self) -> Node:
        """The server that is to be the origin."""
        return self.found.target

    @property
    def sentinels(self) -> Sentinels | None:
        """If they decide."""
        return self.pointer if isinstance(self.pointer, Sentinels) else None

    @property
    def origin(self) -> Node | None:
        """The origin that is to give way; None if there is none, or more than one."""
        others = [node for node in self.found.origins if node is not self.target]
        return others[0] if len(others) == 1 and not self.target.state.is_master else None
