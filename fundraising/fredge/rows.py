"""The rows that the messages of a group concern, as they become with each message."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from fundraising.fredge.merging import Stamp
from fundraising.fredge.models.told import Key, ToldRow
from queues import locks

Row = TypeVar("Row", bound=ToldRow)


class Rows(Generic[Row]):
    """The rows of a table by what names them; used within one transaction.

    Whoever else is about to write one of them, or to make it, waits until the commit.
    """

    def __init__(self, model: type[Row], keys: Iterable[Key]) -> None:
        wanted = set(keys)
        self._model = model
        self._changed: dict[Key, Row] = {}
        # Only these columns are updated: each costs time for every row.
        self._columns = {"stamps", "message_id"}
        # The locks are on names, as a row that is not there yet cannot be locked.
        locks.take((model._meta.label_lower, *map(str, key)) for key in wanted)
        parts = zip(model.KEY, zip(*wanted, strict=True), strict=True)
        rows = model._default_manager.filter(**{f"{name}__in": set(part) for name, part in parts})
        self._rows = {row.key: row for row in rows if row.key in wanted}

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def tell(self, key: Key, stamp: Stamp, values: Mapping[str, object]) -> Row:
        """The row of this key, with what is news to it of the values."""
        row = self._rows.setdefault(key, self._model())
        # Each message tells of which row it speaks: so even one that tells nothing else makes it.
        named = dict(zip(self._model.KEY, key, strict=True))
        news = row.tell(stamp, {**named, **values})
        if news:
            self._changed[key] = row
            self._columns |= news - named.keys()
        return row

    def save(self) -> None:
        """Bring the table to this state: one statement for new rows, one for changed ones."""
        changed = [row for row in self._changed.values() if row.pk is not None]
        if changed:
            self._model._default_manager.bulk_update(changed, sorted(self._columns))
        self._model._default_manager.bulk_create(
            row for row in self._changed.values() if row.pk is None
        )
