"""The steps of a swap, in their order. Each can be done again without harm."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import redis

from queues import sequences
from queues.origin import Refused, contents, counters
from queues.origin.fences import fence, is_fenced, is_first, release, reset_priorities
from queues.origin.nodes import Node
from queues.origin.swap import Swap
from queues.origin.waiting import PATIENCE, wait_until

#: Of no queue, so that nobody takes what is pushed on it.
PROBE = "swap_origin:probe"
#: Seconds for a replica to copy everything, if it must.
COPYING = 1800.0


@dataclass(frozen=True)
class Step:
    """What is left to do of one thing, in words ("" if nothing is), and how."""

    left: Callable[[Swap], str]
    do: Callable[[Swap], Iterator[str]]
    #: Whether it can be undone by nothing but another swap.
    is_final: bool = True


def to_promote(swap: Swap) -> str:
    """Make the target the origin."""
    target, origin = swap.target, swap.origin
    if target.state.is_master:
        return ""
    if origin:
        return f"make {target} the origin in place of {origin}, which becomes its replica"
    away = ", ".join(map(str, swap.found.away))
    return (
        f"make {target} the origin, which last heard from one {target.state.unlinked_for} s ago; "
        f"what does not answer ({away}) must not come back but as a replica"
    )


def promote(swap: Swap) -> Iterator[str]:
    """Make the target the origin, so that at no instant two servers take writes.

    An origin that is there hands over by itself (FAILOVER): it takes no more writes, waits until
    the target has all, and becomes its replica. Raises :class:`Refused` if it does not come to
    that.
    """
    target, origin = swap.target, swap.origin
    if swap.sentinels:
        swap.sentinels.promote(target, origin, swap.instance)
    elif origin:
        _hand_over(origin, target)
    else:
        target.client.replicaof("NO", "ONE")
    yield f"{target} is the origin"


def to_point(swap: Swap) -> str:
    """Let all others follow the target."""
    target, nodes = swap.target, swap.found.nodes
    left = []
    if astray := [str(node) for node in swap.found.others if not node.follows(target)]:
        left.append(f"make {', '.join(astray)} a replica of {target}, with its data alone")
    if any(map(is_fenced, nodes)) or (swap.sentinels and any(map(is_first, nodes))):
        left.append("remove the marks of a swap from the servers")
    return "; ".join(left)


def point(swap: Swap) -> Iterator[str]:
    """Let all others follow the target, and wait until they have all that it has."""
    target, others = swap.target, swap.found.others
    if not swap.sentinels:  # which does it within seconds
        for node in others:
            _make_replica(node, target)
    end = target.now().offset
    for node in others:
        wait_until(partial(_has, node, target, end), f"{node} in sync", COPYING)
        yield f"{node} is a replica of {target}, in sync"
    release(swap.found.nodes)
    if swap.sentinels:
        reset_priorities(swap.found.nodes)


def keep(swap: Swap) -> Iterator[str]:
    """Let each server keep its role over a restart."""
    for node in swap.found.nodes:
        try:
            node.client.config_rewrite()
        except redis.ResponseError as error:
            yield f"{node} will not know its role after a restart, see to it: {error}"
        else:
            yield f"{node} has its role in its configuration file"


def to_count(swap: Swap) -> str:
    """Raise counters that are behind."""
    behind = [each for each in counters.read(swap.found, swap.instance) if each.is_behind]
    return "; ".join(f"raise {each.name} from {each.target} to {each.wanted}" for each in behind)


def count(swap: Swap) -> Iterator[str]:
    """Raise the counters to the greatest that any server or the database knows."""
    for each in counters.read(swap.found, swap.instance):
        now = sequences.raise_to(swap.target.client, each.name, each.wanted)
        yield f"{each.name} is at {now}"


def probe(swap: Swap) -> Iterator[str]:
    """Push a message, see it on every replica, take it off again; and compare the servers.

    Raises :class:`Refused` if one does not get it, or has other data.
    """
    target, replicas = swap.target, swap.found.others
    origins = ", ".join(map(str, swap.found.origins))
    if swap.found.origins != (target,):
        raise Refused(f"these take writes: {origins}")
    message = secrets.token_hex(8).encode()
    target.client.delete(PROBE)  # of one that was killed
    target.client.rpush(PROBE, message)
    for node in replicas:
        wait_until(partial(_reads, node, message), f"{node} got the probe message")
    if target.client.lpop(PROBE) != message:
        raise Refused(f"{target} did not give the probe message back")
    if found := [d for n in replicas for d in contents.differences(target, n, swap.instance)]:
        raise Refused(*(f"diverged data: {each}" for each in found))
    yield f"a probe message went through {target} and {len(replicas)} replicas"


def to_tell(swap: Swap) -> str:
    """Let clients go to the target."""
    return "" if swap.pointer.tells(swap.target) else f"have {swap.pointer} say {swap.to}"


def tell(swap: Swap) -> Iterator[str]:
    """Let clients that start from now on go to the target."""
    yield swap.pointer.tell(swap.to)


STEPS = (
    Step(to_promote, promote),
    Step(to_point, point),
    Step(lambda _: "let each server keep its role over a restart", keep, is_final=False),
    Step(to_count, count),
    Step(lambda _: "send a probe message, and compare the servers", probe, is_final=False),
    Step(to_tell, tell),
)


def _hand_over(origin: Node, target: Node) -> None:
    name = next((each for each in origin.now().replicas if each in target.names), None)
    if name is None:
        raise Refused(f"{origin} does not list {target} among its replicas")
    timeout = int(PATIENCE * 1000)
    client: Any = origin.client
    client.execute_command("FAILOVER", "TO", *name, "TIMEOUT", timeout)
    wait_until(
        lambda: not origin.now().is_failing_over, f"{origin} handed over", patience=2 * PATIENCE
    )
    if not target.now().is_master:
        raise Refused(f"{origin} did not hand over in {PATIENCE:.0f} s, and is the origin still")


def _make_replica(node: Node, target: Node) -> None:
    state = node.now()
    if state.is_master:
        fence(node)
        if not target.state.holds_all_of(node.now()):
            release([node])
            raise Refused(f"two origins: {node} was written to just now")
    if state.master not in target.names:
        node.client.replicaof(*target.address)


def _has(node: Node, target: Node, end: int) -> bool:
    return node.follows(target) and node.now().offset >= end


def _reads(node: Node, message: bytes) -> bool:
    return cast(list[bytes], node.client.lrange(PROBE, 0, -1)) == [message]
