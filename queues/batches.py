"""The passage of messages between a list and something else, each exactly once.

A passage has a name. Its source is a list of one Redis, its target lists of the same or another
Redis, a file, a database. A batch goes through in three steps, and whoever is killed between two
of them is followed by somebody who begins again at the first:

1. `take` (or `pick`) moves messages from the list into the hand of the passage, in one script. As
   long as something is in hand it answers that, the same batch with the same number.
2. `put` pushes them on the target and sets the fence to the batch's number, in one script. What is
   known there is pushed no second time. (A file or a database keeps the number in its own way.)
3. `release` forgets what is in hand, if it is still that batch.

Nothing is lost: until the release a message stands on its list or in hand, and the release comes
after the target has it. Nothing is doubled: the target takes a batch only when its fence stands at
the number before, so that of two who carry the same batch one pushes and the other is told that it
is known; and who was paused for long and comes back with an old number is `OutOfStep`. Messages
that workers have reserved are on no list, and are not touched.

A number is a random epoch, which the source makes when it knows nothing of the passage, and a
count. So each side notices when the other was restored from older data or forgot the passage:

    source restored   its next number is behind the fence, or has another epoch: out of step. If
                      all it forgot is the last batch, and takes the same again, it is known.
    target restored   the fence is more than one batch behind: it lost batches, out of step. If
                      it lost only the batch in hand, that is put again, as it must be.

Out of step nothing is moved and nothing is thrown away. A person finds out which side has the
messages, and `forget` begins anew. What a Redis loses of what it has acknowledged (a power cut,
everysec) it loses here as anywhere: the next put says so.

Key map, in the database of the queues:

    moving:<name>         list   what is in hand, in order (source)
    moving:<name>:state   hash   epoch, number: of the last batch taken; queue: the list it is
                                 from (source)
    moved:<name>          hash   position: of the last batch put; digest: of what was in it; time:
                                 when, unix seconds by the server's clock (target)

The source's scripts work when memory is full, as those of `queues.scripts` do.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import cast

import redis

from queues import batch_scripts

#: Bytes of one batch, at most; a single message may be longer.
MOST_BYTES = 16 * 2**20


class OutOfStep(Exception):
    """Source and target do not fit together, and nothing was moved; the text says how."""


class Put(Enum):
    """What became of a batch that is on the target now."""

    DONE = "put"
    KNOWN = "known"


@dataclass(frozen=True)
class Taken:
    """A batch in hand. `number` counts from 1 and never comes twice in an `epoch`."""

    queue: str
    epoch: str
    number: int
    messages: list[bytes]

    @property
    def position(self) -> str:
        """The word for where a target is that has this batch."""
        return f"{self.epoch}.{self.number}"

    @property
    def previous(self) -> str:
        """Where a target must be to take this batch; empty if it is the first."""
        return f"{self.epoch}.{self.number - 1}" if self.number > 1 else ""


@dataclass(frozen=True)
class Fence:
    """How far a target is; `time` in unix seconds."""

    position: str
    digest: str
    time: float


def take(
    client: redis.Redis, queue: str, name: str, most: int, most_bytes: int = MOST_BYTES
) -> Taken | None:
    """Take up to `most` messages from the head of `queue`; None if it is empty.

    A batch that is in hand already is answered instead, from whichever list it is.
    """
    return _taken(
        _run(client, batch_scripts.TAKE, name, queue, secrets.token_hex(8), most, most_bytes)
    )


def pick(
    client: redis.Redis,
    queue: str,
    name: str,
    messages: Sequence[bytes],
    most_bytes: int = MOST_BYTES,
) -> Taken | None:
    """Take those of `messages` that stand on `queue`, wherever on it; None if there are none.

    Of equal messages as many are taken as are asked for, the first on the list. The others keep
    their places. As with `take`, a batch in hand is answered instead.
    """
    mark = secrets.token_hex(16)
    epoch = secrets.token_hex(8)
    return _taken(
        _run(
            client,
            batch_scripts.PICK,
            name,
            queue,
            epoch,
            len(messages),
            most_bytes,
            mark,
            *messages,
        )
    )


def held(client: redis.Redis, name: str) -> Taken | None:
    """The batch that is in hand, if any."""
    return _taken(_run(client, batch_scripts.HELD, name))


def release(client: redis.Redis, name: str, position: str) -> bool:
    """The batch is safe elsewhere: forget it. False, and nothing is done, if it is not in hand."""
    return _run(client, batch_scripts.RELEASE, name, position) == 1


def give_back(client: redis.Redis, name: str, position: str) -> bool:
    """Put the batch back to the head of its list, in order. False if it is not in hand.

    Only for who knows that the target does not have it and will not: its number must have been
    used up there (`put` of nothing), or whoever else holds it could still put it.
    """
    return _run(client, batch_scripts.GIVE_BACK, name, position) == 1


def put(
    client: redis.Redis,
    name: str,
    previous: str,
    position: str,
    pushes: Iterable[tuple[str, bytes]],
) -> Put:
    """Push messages on their lists, in order, if the fence stands at `previous`; then it stands at
    `position`. Both are words of the caller (`Taken.previous`, `Taken.position`); empty is where
    nothing was put yet.

    Put.KNOWN, and nothing is pushed, if it stands at `position` by the same messages. Raises
    `OutOfStep` if it stands elsewhere, or there by other messages, and `redis.ResponseError` for
    a key that is no list; nothing is pushed then either.
    """
    runs = [(queue, [m for _, m in run]) for queue, run in groupby(pushes, itemgetter(0))]
    digest = sha256()
    parts: list[str | bytes | int] = []
    for queue, messages in runs:
        digest.update(b"%d %s\n" % (len(messages), queue.encode()))
        for message in messages:
            digest.update(b"%d\n" % len(message))
            digest.update(message)
        parts += [queue, len(messages), *messages]
    reply = _run(client, batch_scripts.PUT, name, previous, position, digest.hexdigest(), *parts)
    status, stands = (part.decode() for part in cast(list[bytes], reply))
    if status == "differs":
        raise OutOfStep(f"{name}: other messages were put as batch {position}")
    if status == "elsewhere":
        raise OutOfStep(
            f"{name}: batch {position} comes after {previous or 'nothing'}, "
            f"and the target is at {stands or 'nothing'}"
        )
    return Put(status)


def fence(client: redis.Redis, name: str) -> Fence | None:
    """How far a target is; None if nothing was put yet."""
    fields = cast(list[bytes | None], client.hmget(f"moved:{name}", ["position", "digest", "time"]))
    if fields[0] is None:
        return None
    position, digest, time = (field.decode() if field else "" for field in fields)
    return Fence(position, digest, float(time or 0))


def forget(client: redis.Redis, name: str) -> int:
    """Forget the passage on this Redis, as its source and as its target; what is in hand goes back
    to the head of its list. How many messages went back.

    Only when nobody is at it.
    """
    return cast(int, _run(client, batch_scripts.FORGET, name))


def _run(client: redis.Redis, script: str, name: str, *args: str | bytes | float) -> object:
    keys = (f"moving:{name}", f"moving:{name}:state", f"moved:{name}")
    return client.register_script(script)(keys=keys, args=args)


def _taken(reply: object) -> Taken | None:
    if not reply:
        return None
    queue, epoch, number, *messages = cast(list[bytes], reply)
    return Taken(queue.decode(), epoch.decode(), int(number), messages)
