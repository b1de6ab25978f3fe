"""Marks on servers in the middle of a swap, in their own configuration, where whoever comes next
finds them.

A fenced origin demands more replicas than it can have before it takes a write. Unlike CLIENT PAUSE
that does not end by itself, and it leaves replication and Sentinel alone.
"""

from collections.abc import Iterable
from typing import cast

import redis

from queues.origin import Refused
from queues.origin.nodes import Node

#: No server has so many replicas.
FENCE = 1_000_000
FENCED = "min-replicas-to-write"
#: What the target's replica-priority is meanwhile. Sentinel chooses the lowest, but never 0.
FIRST = 1
PRIORITY = "replica-priority"
_PROBE = "swap_origin:fence"


def setting(node: Node, name: str) -> int:
    """A number in the configuration of a server."""
    return int(cast(str, node.client.config_get(name)[name]))


def fence(node: Node) -> None:
    """Let a server refuse writes until :func:`release`."""
    node.client.config_set(FENCED, FENCE)
    try:
        node.client.delete(_PROBE)
    except redis.ResponseError as error:
        if not str(error).startswith("NOREPLICAS"):
            raise
    else:
        raise Refused(f"{node} cannot be fenced: is its min-replicas-max-lag 0?")


def is_fenced(node: Node) -> bool:
    """Whether a server refuses writes until :func:`release`."""
    return setting(node, FENCED) == FENCE


def release(nodes: Iterable[Node]) -> None:
    """Lift all fences."""
    _reset(nodes, FENCED, FENCE, default=0)


def is_first(node: Node) -> bool:
    """Whether Sentinel is to choose this server, until :func:`reset_priorities`."""
    return setting(node, PRIORITY) == FIRST


def reset_priorities(nodes: Iterable[Node]) -> None:
    """Let no server be the first that Sentinel chooses."""
    _reset(nodes, PRIORITY, FIRST, default=100)


def _reset(nodes: Iterable[Node], name: str, mark: int, default: int) -> None:
    """What was set before is not known any more: what another server has is taken."""
    now = [(node, setting(node, name)) for node in nodes]
    usual = next((value for _, value in now if value != mark), default)
    for node, value in now:
        if value == mark:
            node.client.config_set(name, usual)
