"""Conditions on pairs of a gateway and one of its ids."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q


def any_of(field: str, pairs: Iterable[tuple[str, str]]) -> Q:
    """Rows whose (gateway, ``field``) is one of the pairs; blank ids match nothing.

    One ``IN`` a gateway, which an index on (field, gateway) answers.
    """
    by_gateway: dict[str, set[str]] = defaultdict(set)
    for gateway, value in pairs:
        if value:
            by_gateway[gateway].add(value)
    wanted = Q(pk__in=[])
    for gateway in sorted(by_gateway):
        wanted |= Q(gateway=gateway, **{f"{field}__in": sorted(by_gateway[gateway])})
    return wanted
