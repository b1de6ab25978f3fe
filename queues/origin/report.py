"""What is said of a swap: how the servers stand, and the way back."""

from collections.abc import Iterator

from queues.origin import contents, counters
from queues.origin.fences import PRIORITY, is_fenced, is_first
from queues.origin.nodes import Node
from queues.origin.swap import Swap


def state(swap: Swap) -> Iterator[str]:
    """A line a server, and one each for clients, counters and messages."""
    for node in swap.found.nodes:
        yield f"{node}: {_role(node)}"
    for address in swap.found.away:
        yield f"{address}: does not answer"
    yield f"clients: {swap.pointer} says {swap.pointer.known()[0]}"
    yield from map(str, counters.read(swap.found, swap.instance))
    held = contents.lengths(contents.of(swap.target.client, swap.instance), swap.instance)
    messages = ", ".join(f"{name} {size}" for name, size in held.items()) or "none"
    yield f"messages on {swap.target}: {messages}"


def way_back(swap: Swap) -> Iterator[str]:
    """How a swap is given up from where it stands, as commands. Nothing is done."""
    target = swap.target
    failing = next((node for node in swap.found.nodes if node.state.is_failing_over), None)
    others = [node for node in swap.found.origins if node is not target]
    if failing:
        yield f"{failing} is handing over, and takes no writes meanwhile. To stop that:"
        yield f"  {_cli(failing)} FAILOVER ABORT"
    elif target.state.is_master and others:
        yield "there are two origins. Start no clients; see docs/operations/swap-the-origin.md"
    elif target.state.is_master:
        yield from _from_promoted(swap)
    elif swap.origin:
        yield from _from_begun(swap, swap.origin)
    else:
        away = " or ".join(map(str, swap.found.away))
        yield f"nothing has changed. Start {away} again: replicas still follow it"


def _from_promoted(swap: Swap) -> Iterator[str]:
    target = swap.target
    if not swap.pointer.tells(target):
        yield f"{target} is the origin, but {swap.pointer} does not say so yet. To go on:"
        yield f"  {_again(swap, target)}"
    if swap.found.others:
        yield "to go back, swap to one of the others, which loses nothing:"
        yield from (f"  {_again(swap, node)}" for node in swap.found.others)
    for address in swap.found.away:
        yield (
            f"{address} has not what was pushed since: start it as a replica, never as an origin"
        )
        host, port = target.address
        yield f"  redis-server … --replicaof {host} {port}"


def _from_begun(swap: Swap, origin: Node) -> Iterator[str]:
    yield f"{origin} is the origin, as before; nothing has moved"
    if is_fenced(origin):
        yield "it takes no writes until its fence is lifted"
    if is_fenced(origin) or (swap.sentinels and is_first(swap.target)):
        yield f"to remove the marks of the swap (the fence, {PRIORITY}) from the servers:"
        yield f"  {_again(swap, origin)}"


def _again(swap: Swap, node: Node) -> str:
    return f"manage.py swap_origin --instance {swap.instance} --to {node}"


def _cli(node: Node) -> str:
    return f"redis-cli -h {node.address.host} -p {node.address.port}"


def _role(node: Node) -> str:
    state = node.state
    offset = f"offset {state.offset}"
    if state.is_failing_over:
        return f"handing over, {offset}"
    if state.is_master:
        return f"origin, {offset}" + (", fenced" if is_fenced(node) else "")
    cut_off = f"cut off for {state.unlinked_for} s" if state.unlinked_for >= 0 else "cut off"
    link = "in touch" if state.is_linked else cut_off
    return f"replica of {state.master}, {link}, {offset}"
