"""Sequences that several systems take numbers from, kept in Redis."""

from django.conf import settings

from queues import instances


def key(name: str) -> str:
    """The Redis key of a sequence."""
    return f"sequence_{name}"


def next_id(name: str) -> int:
    """The next number of a sequence on frqueue, such as ``contribution-tracking``.

    Gaps are normal. Raises ``redis.RedisError`` when Redis is not there.
    """
    return int(instances.client(settings.SEQUENCE_INSTANCE).incr(key(name)))
