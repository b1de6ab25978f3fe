"""Positions in a queue that numbers nothing by itself: how many messages were taken off it, and a
digest over all of them in their order.

Equal positions mean equal histories. A queue that was restored from an older backup repeats its
numbers, but not with other messages unnoticed.
"""

from collections.abc import Iterable
from hashlib import sha256

from queues.mover.interface import LostPosition

#: Where nothing was taken yet.
START = "0:"


def after(position: str, bodies: Iterable[bytes]) -> str:
    """The position behind these messages, which were taken at ``position``."""
    count, digest = _parts(position)
    for body in bodies:
        count, digest = count + 1, _next(digest, body)
    return f"{count}:{digest}"


def distance(position: str, wanted: str, bodies: Iterable[bytes]) -> int:
    """How many of the messages that follow ``position`` lead to ``wanted``.

    Raises :class:`LostPosition` if none of them do.
    """
    count, digest = _parts(position)
    end, _ = _parts(wanted)
    start = count
    for body in bodies:
        if count >= end:
            break
        count, digest = count + 1, _next(digest, body)
    if f"{count}:{digest}" != wanted:
        raise LostPosition(f"{wanted} does not follow {position} here")
    return count - start


def _parts(position: str) -> tuple[int, str]:
    count, colon, digest = position.partition(":")
    if not (colon and count.isdecimal()):
        raise LostPosition(f"{position} is no position of this source")
    return int(count), digest


def _next(digest: str, body: bytes) -> str:
    return sha256(digest.encode() + sha256(body).digest()).hexdigest()
