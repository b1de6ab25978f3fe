"""The lock that a pending message and its donation share.

A pending message is stored unresolved unless its contribution exists; the import of a
donation resolves the pending rows that exist. Were both in flight at once, neither would
see what the other has not yet committed, and the row would stay unresolved for ever. So
both take one lock for each payment first: PostgreSQL's transaction advisory lock, which
needs no row. Whoever comes second waits until the first has committed, and then sees it.

SQLite has one writer at a time (transactions begin IMMEDIATE), which is that lock.
"""

import hashlib
from collections.abc import Iterable

from django.db import connection


def take(orders: Iterable[tuple[str, str]], txns: Iterable[tuple[str, str]]) -> None:
    """Hold the locks of (gateway, order_id) and (gateway, gateway_txn_id) until the commit.

    In sorted order, so that two groups cannot wait for each other. Must run in a transaction;
    raises ``OperationalError`` when a lock does not come within ``lock_timeout``.
    """
    names = [("order", *pair) for pair in orders if pair[1]]
    names += [("txn", *pair) for pair in txns if pair[1]]
    if names and connection.vendor == "postgresql":
        keys = sorted({_key(name) for name in names})
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) key", [keys]
            )


def _key(name: tuple[str, str, str]) -> int:
    """64 bits of a digest; that two names share a lock once in an age does no harm."""
    digest = hashlib.blake2b("\0".join(name).encode(), digest_size=8, person=b"pending").digest()
    return int.from_bytes(digest, signed=True)
