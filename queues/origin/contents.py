"""What stands on a server, so that two can be compared without moving all of it."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple, cast

import redis

from queues import heartbeats, reserved
from queues.origin.nodes import Node
from queues.routes import routes

#: Messages at each end of a list that are compared by their bytes; between them, only how many.
ENDS = 100
#: How often to compare while the servers are written to.
TRIES = 5

_RESERVED = reserved.RESERVED.encode()


class Part(NamedTuple):
    """The size of what a key holds, and a digest: of the ends of a list, of all fields' names."""

    size: int
    digest: str


Contents = Mapping[bytes, Part]


def of(client: redis.Redis, instance: str) -> Contents:
    """Every list, hash and sorted set of a server, and the instance's lists that are empty.

    Strings are counters and short-lived; heartbeats go on. Raises ``redis.RedisError``.
    """
    lists = {*_ours(instance), *_keys(client, "list")}
    parts = {name: _list(client, name) for name in lists}
    for name in (_RESERVED, *_keys(client, "hash")):
        parts[name] = _part(cast(list[bytes], client.hkeys(name)))
    for name in (reserved.INDEX.encode(), *_keys(client, "zset")):
        parts[name] = _part(cast(list[bytes], client.zrange(name, 0, -1)))
    parts.pop(heartbeats.KEY.encode(), None)
    return parts


def differences(one: Node, other: Node, instance: str) -> list[str]:
    """What differs between two servers, in words without what the messages say.

    While they are written to, what differs is looked at again.
    """
    for _ in range(TRIES):
        before = one.now().offset
        ours, theirs = of(one.client, instance), of(other.client, instance)
        found = list(_differences(ours, theirs, (str(one), str(other))))
        if not found or one.now().offset == before:
            break
    return found


def lengths(contents: Contents, instance: str) -> dict[str, int]:
    """The lists of the instance that are not empty, and how many deliveries are in hand."""
    names = [*sorted(_ours(instance)), _RESERVED]
    return {name.decode(): contents[name].size for name in names if contents[name].size}


def _differences(ours: Contents, theirs: Contents, names: tuple[str, str]) -> Iterable[str]:
    empty = _part([])
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name, empty), theirs.get(name, empty)
        key = name.decode(errors="replace")
        if one.size != other.size:
            yield f"{key}: {one.size} on {names[0]}, {other.size} on {names[1]}"
        elif one != other:
            yield f"{key}: {one.size} on both {names[0]} and {names[1]}, but not the same"


def _ours(instance: str) -> set[bytes]:
    return {name.encode() for name in routes().consumed(instance)}


def _keys(client: redis.Redis, kind: str) -> list[bytes]:
    return list(client.scan_iter(count=1000, _type=kind))


def _list(client: redis.Redis, name: bytes) -> Part:
    head = cast(list[bytes], client.lrange(name, 0, ENDS - 1))
    tail = cast(list[bytes], client.lrange(name, -ENDS, -1))
    return Part(int(client.llen(name)), _digest([*head, *tail]))


def _part(members: list[bytes]) -> Part:
    return Part(len(members), _digest(sorted(members)))


def _digest(members: Iterable[bytes]) -> str:
    digest = sha256()
    for member in members:
        digest.update(len(member).to_bytes(8) + member)
    return digest.hexdigest()
