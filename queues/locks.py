"""Locks on names, for what has no row to lock yet.

PostgreSQL's transaction advisory locks: whoever comes second waits until the first has
committed, and then sees what it wrote. SQLite has one writer at a time (transactions begin
IMMEDIATE), which is that lock.
"""

import hashlib
from collections.abc import Iterable

from django.db import connection


def take(names: Iterable[tuple[str, ...]]) -> None:
    """Hold the locks of these names until the commit.

    In sorted order, so that two groups cannot wait for each other. Must run in a
    transaction; raises ``OperationalError`` when a lock does not come within ``lock_timeout``.
    """
    if connection.vendor != "postgresql":
        return
    keys = sorted({_key(name) for name in names})
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) key", [keys]
            )


def _key(name: tuple[str, ...]) -> int:
    """64 bits of a digest; that two names share a lock once in an age does no harm."""
    digest = hashlib.blake2b("\0".join(name).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
