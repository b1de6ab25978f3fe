"""The lock that a pending message and its donation share.

A pending message is stored unresolved unless its contribution exists; the import of a
donation resolves the pending rows that exist. Were both in flight at once, neither would
see what the other has not yet committed, and the row would stay unresolved for ever. So
both take one lock for each payment first.
"""

from collections.abc import Iterable

from queues import locks


def take(orders: Iterable[tuple[str, str]], txns: Iterable[tuple[str, str]]) -> None:
    """Hold the locks of (gateway, order_id) and (gateway, gateway_txn_id) until the commit."""
    names = [("order", *pair) for pair in orders if pair[1]]
    names += [("txn", *pair) for pair in txns if pair[1]]
    locks.take(names)
