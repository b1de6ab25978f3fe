"""What the two Redis adapters share: names, and errors in the mover's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import redis

from queues.mover.interface import Away


def passage(*parts: str) -> str:
    """The name of a mover's passage; no two lists of parts have one name."""
    return "/".join(["mover", *(quote(part, safe=" .@") for part in parts)])


@contextmanager
def answering(client: redis.Redis, role: str) -> Iterator[None]:
    """Whatever Redis says instead of an answer is :class:`Away`: it is not there, or loads its
    data, or its memory is full, or the key is no list. ``role`` is source or target.
    """
    try:
        yield
    except redis.RedisError as error:
        client.close()
        # Texts of the server hold values; what it says first is a code.
        word = str(error).partition(" ")[0]
        code = f" {word}" if isinstance(error, redis.ResponseError) and word.isupper() else ""
        raise Away(f"the Redis of the {role}: {type(error).__name__}{code}") from error
