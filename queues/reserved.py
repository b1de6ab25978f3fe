"""What is taken off a list and not yet settled: the keys and the atomic steps on them.

Every step is one Lua script, so that at no instant a message is in nobody's hands: it stands on
its list, in `reserved`, or has become a dead letter. All functions take a plain Redis client.

Key map, in the database of the queues:

    <queue>           list    messages, verbatim; taken from the head, pushed at the tail
    reserved          hash    tag -> msgpack [queue, begun, message, message, ...], in list order
    reserved_index    zset    tag -> when its lease ends, unix seconds by the server's clock
    deliveries        hash    sha1(queue \\n message) -> how often a worker began with it, from 1
    deliveries_index  zset    the same field -> when it was last changed; a week after that both
                              forget it
    maintenance       hash    while it exists nothing is reserved; see queues.maintenance

A tag names one delivery: a group of messages of one queue, or one message alone. A message with a
count in `deliveries` is a suspect: a worker died while it had it. Tags of suspects end in
`-suspect`.

The scripts work when memory is full (noeviction): the first write of each is one that frees, and
Redis lets a script that has written go on.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import redis

from queues import scripts

RESERVED = "reserved"
INDEX = "reserved_index"
DELIVERIES = "deliveries"
DELIVERIES_INDEX = "deliveries_index"
KEYS = (RESERVED, INDEX, DELIVERIES, DELIVERIES_INDEX)
MAINTENANCE = "maintenance"

#: The answer to `reserve_command` while the instance is held.
HELD: list[list[bytes]] = [[]]


class Group(NamedTuple):
    """One delivery as RESERVE answers it."""

    tag: str
    queue: str
    deliveries: int
    messages: list[bytes]


def reserve_command(
    queues: Sequence[str],
    sizes: Mapping[str, int],
    *,
    prefix: str,
    lease: float,
    room: int,
    group_bytes: int,
    message_bytes: int,
) -> tuple[str | int | float, ...]:
    """The EVAL that reserves at most one group of each queue and `room` groups together, earlier
    queues first; while the instance is held, none but answers (to `celery inspect`, say).

    `prefix` starts the tags and sorts them by time; `lease` in seconds.
    """
    limits = (prefix, lease, room, group_bytes, message_bytes)
    return (
        "EVAL",
        scripts.RESERVE,
        len(KEYS) + 1 + len(queues),
        *KEYS,
        MAINTENANCE,
        *queues,
        *limits,
        *(sizes.get(q, 1) for q in queues),
    )


def groups(reply: Iterable[Sequence[bytes]]) -> list[Group]:
    """What the EVAL of `reserve_command` answered."""
    return [
        Group(tag.decode(), queue.decode(), int(deliveries), list(messages))
        for tag, queue, deliveries, *messages in filter(None, reply)
    ]


def _run(client: redis.Redis, script: str, *args: str | bytes | float) -> object:
    # register_script sends the digest, and the text only if the server does not know it.
    return client.register_script(script)(keys=KEYS, args=args)


def _number(client: redis.Redis, script: str, *args: str | bytes | float) -> int:
    return cast(int, _run(client, script, *args))


def begin(client: redis.Redis, tag: str) -> int:
    """Count that work on a suspect begins now; how often it has begun, this time included.

    0 for a delivery that is no suspect, or is not held any more: then there is nothing to count.
    """
    return _number(client, scripts.BEGIN, tag)


def settle(client: redis.Redis, tag: str, dead_letters: Sequence[tuple[str, bytes]] = ()) -> bool:
    """End a delivery and push its dead letters (list, entry) in one step.

    False, and nothing is pushed, if it was not held any more: somebody else has the messages, or
    this was done before and only the answer was lost.
    """
    return (
        _number(client, scripts.SETTLE, tag, *(part for letter in dead_letters for part in letter))
        == 1
    )


def give_back(client: redis.Redis, tag: str) -> bool:
    """Put a delivery back to the head of its list, in order, as if it had never been taken.

    False if it was not held any more.
    """
    return _number(client, scripts.RESTORE, tag, "0") == 1


def restore(client: redis.Redis, tag: str) -> bool:
    """As `give_back`, of what a worker died with: its messages are suspects from now on."""
    return _number(client, scripts.RESTORE, tag, "1") == 1


def renew(client: redis.Redis, tags: Iterable[str], lease: float) -> int:
    """Let the leases of those of `tags` that are still held end `lease` seconds from now; how many
    are held.
    """
    return _number(client, scripts.RENEW, lease, *tags)


def sweep(client: redis.Redis, lease: float) -> int:
    """Restore deliveries whose lease has ended, at most 100; how many.

    None while the server is up for less than `lease` seconds.
    """
    return _number(client, scripts.SWEEP, lease)


def held(client: redis.Redis) -> int:
    """How many deliveries are reserved now."""
    return client.hlen(RESERVED)


def tags(client: redis.Redis) -> dict[str, float]:
    """All reserved deliveries, and when their leases end (unix seconds, the server's clock)."""
    index = cast(list[tuple[bytes, float]], client.zrange(INDEX, 0, -1, withscores=True))
    return {tag.decode(): ends for tag, ends in index}


def messages(client: redis.Redis, tag: str) -> tuple[str, list[bytes]] | None:
    """The queue and the messages of a delivery; None if it is not held any more."""
    entry = cast(list[bytes] | None, _run(client, scripts.ENTRY, tag))
    return (entry[0].decode(), entry[2:]) if entry else None
