"""Searching in the admin: by whole ids, as people have them at hand."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


def by_ids(
    rows: QuerySet[Row], term: str, *columns: str, numbers: Sequence[str] = ()
) -> QuerySet[Row]:
    """The rows that have a term in one of these columns, each of which has an index.

    ``columns`` hold text, ``numbers`` whole numbers. An order id is also found by its part before
    the dot, and a term with an ``@`` is sought in the column ``email`` alone.
    """
    term = term.strip()
    if not term:
        return rows
    if "@" in term and "email" in columns:
        return rows.filter(email=term.lower())
    wanted = Q(*((column, term) for column in columns), _connector=Q.OR)
    if "order_id" in columns:
        wanted |= Q(order_id__startswith=f"{term}.")
    if term.isascii() and term.isdigit() and len(term) <= 18:
        wanted |= Q(*((column, int(term)) for column in numbers), _connector=Q.OR)
    return rows.filter(wanted)
