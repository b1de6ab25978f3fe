"""Why a swap must not go on: every reason at once, each a sentence."""

from collections.abc import Iterator, Mapping
from typing import cast

import redis
from redis.exceptions import NoPermissionError

from queues import maintenance
from queues.origin import Refused, clients, contents
from queues.origin.fences import is_fenced
from queues.origin.nodes import Node
from queues.origin.swap import Swap
from queues.origin.waiting import wait_until

#: Seconds for a replica in touch with its origin to have all that the origin has.
IN_SYNC = 10.0
_TLS = {"tls-replication": "yes"}


def refusals(swap: Swap) -> list[str]:
    """What stands against it now. Raises ``RedisError`` and ``DatabaseError``."""
    target = swap.target
    if any(node.state.is_failing_over for node in swap.found.nodes):
        return ["a FAILOVER is under way: wait for it, or see --abort"]
    if target.state.is_master:
        found = [*_beside(swap)]
    elif swap.origin:
        found = [*_hand_over(swap, swap.origin)]
    elif swap.found.origins:
        names = " and ".join(map(str, swap.found.origins))
        found = [f"there are two origins, {names}: --to one of them, or make one a replica"]
    else:
        found = [*_take_over(swap)]
    return [*found, *_logins(swap), *swap.pointer.refusals()]


def _hand_over(swap: Swap, origin: Node) -> Iterator[str]:
    """The origin is there and is to give way."""
    target = swap.target
    if not maintenance.held(origin.client):
        yield f"{origin} is not in maintenance: manage.py maintenance begin"
    yield from (f"still on {origin}: {each}" for each in clients.left(origin))
    yield from (f"still on {origin}: {each}" for each in clients.processes(origin, swap.instance))
    if target.state.master not in origin.names:
        yield f"{target} is a replica of {target.state.master}, not of {origin}"
    else:
        yield from _behind(origin, target)
    for node in swap.found.nodes:
        if node.follows(origin):
            yield from _diverged(swap, origin, node)
    yield from _users(origin, target)
    if swap.sentinels:
        yield from swap.sentinels.priority_refusals(swap.found.others)


def _behind(origin: Node, target: Node) -> Iterator[str]:
    state = target.now()
    if state.is_syncing:
        yield f"{target} is too far behind: it is still copying the data of {origin}"
    elif not state.is_linked:
        yield f"{target} is too far behind: no link to {origin} for {state.unlinked_for} s"
    else:
        end = origin.now().offset
        try:
            wait_until(lambda: target.now().offset >= end, "in sync", IN_SYNC)
        except Refused:
            yield f"{target} is too far behind: at {target.now().offset} of {end}"


def _take_over(swap: Swap) -> Iterator[str]:
    """No origin answers: the target must have all that any replica has."""
    target = swap.target
    for node in swap.found.nodes:
        master = node.state.master
        if node.state.is_linked and master and not swap.found.named(master):
            yield f"{node} hears from {master}: that one is alive, but not to us"
    if target.state.is_syncing or target.state.unlinked_for < 0:
        yield (
            f"{target} was never in sync with its origin since it started: what it lacks is not "
            "known"
        )
        return
    for node in swap.found.others:
        if node.state.holds_all_of(target.state):
            if node.state.offset > target.state.offset:
                ahead = node.state.offset - target.state.offset
                yield f"{target} is too far behind: {node} is {ahead} bytes ahead: --to {node}"
            else:
                yield from _diverged(swap, target, node)
        elif not target.state.holds_all_of(node.state):
            yield from _stranger(swap, node)


def _beside(swap: Swap) -> Iterator[str]:
    """The target is an origin already: nobody else may have what it lacks."""
    target = swap.target
    for node in swap.found.others:
        if node.state.is_master:
            yield from (f"still on {node}: {each}" for each in clients.left(node))
        # Sentinel makes a replica of what was fenced, whose data the target has.
        if not (target.state.holds_all_of(node.state) or (swap.sentinels and is_fenced(node))):
            yield from _stranger(swap, node)


def _stranger(swap: Swap, node: Node) -> Iterator[str]:
    """A server whose writes are not those of the target; an empty replica is none."""
    held = contents.of(node.client, swap.instance)
    if node.state.is_master:
        what = contents.lengths(held, swap.instance)
        holds = ", ".join(f"{name} {size}" for name, size in what.items()) or "no messages"
        yield f"two origins: {node} has a history of its own, and holds {holds}"
    elif any(part.size for part in held.values()):
        yield from _diverged(swap, swap.target, node)


def _diverged(swap: Swap, one: Node, other: Node) -> Iterator[str]:
    found = contents.differences(one, other, swap.instance)
    return (f"diverged data: {each}" for each in found)


def _users(origin: Node, target: Node) -> Iterator[str]:
    """Users are not replicated: who may come in at the one must at the other."""
    ours, theirs = _acl(origin), _acl(target)
    differing = sorted(u for u in ours.keys() | theirs.keys() if ours.get(u) != theirs.get(u))
    if differing:
        yield f"users of {origin} and {target} differ: {', '.join(differing)}"


def _acl(node: Node) -> Mapping[str, set[str]]:
    # The word that some servers leave out says the default.
    lines = [line.split() for line in cast(list[str], node.client.acl_list())]
    return {line[1]: {*line[2:]} - {"sanitize-payload"} for line in lines}


def _logins(swap: Swap) -> Iterator[str]:
    """Replicas must be able to log in to the target."""
    for node in swap.found.others:
        if swap.access.has_tls and node.client.config_get("tls-replication") != _TLS:
            yield f"{node} would replicate without TLS: tls-replication is off"
        user, password = (node.client.config_get(n)[n] for n in ("masteruser", "masterauth"))
        try:
            with swap.access.connect(
                swap.target.address,
                username=user or None,
                password=password or None,
                db=0,
                client_name=None,
                protocol=2,
            ) as client:
                client.ping()
        except NoPermissionError:
            continue  # let in, for replication only
        except redis.AuthenticationError:
            yield f"{node} cannot log in to {swap.target}: set its masterauth (and masteruser)"
