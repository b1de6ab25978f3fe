"""Fields that several messages tell: each has the value that was told last.

A row keeps beside its columns the stamp of each of them: when it was told, and by which
message. So any order, repetition or grouping of messages ends in the same row, and a
message is not needed any more once it is merged.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Self, TypeVar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = TypeVar("Value")
Stamps = Mapping[str, "Stamp"]


class Stamp(NamedTuple):
    """When something was told, UTC, and the key of the message that told it.

    Stamps sort in the order in which they win. Of two messages of one moment the one with
    the greater key does: that is arbitrary, but the same wherever they meet.
    """

    at: datetime
    key: str

    @classmethod
    def of(cls, at: datetime | None, key: str) -> Self:
        """The stamp of a message; one that knows no date comes before all others."""
        return cls((at or _EPOCH).astimezone(UTC), key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """What ``str`` made of a stamp."""
        at, _, key = text.partition(" ")
        return cls(datetime.fromisoformat(at), key)

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.key}"


def told(values: Mapping[str, Value]) -> dict[str, Value]:
    """What a message says: a blank says nothing, and takes nothing back."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def news(stamps: Stamps, stamp: Stamp, values: Mapping[str, Value]) -> dict[str, Value]:
    """Those of the values of a message that nothing newer has told."""
    return {
        name: value for name, value in values.items() if name not in stamps or stamps[name] < stamp
    }


def packed(stamps: Stamps) -> dict[str, list[str]]:
    """Stamps as JSON: by message, as one tells many fields."""
    names: dict[str, list[str]] = defaultdict(list)
    for name in sorted(stamps):
        names[str(stamps[name])].append(name)
    return dict(names)


def unpacked(value: Mapping[str, Iterable[str]]) -> dict[str, Stamp]:
    """What :func:`packed` made of stamps."""
    return {name: Stamp.parse(text) for text, names in value.items() for name in names}
