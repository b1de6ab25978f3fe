"""What differs between two versions of a message, field by field."""

from collections.abc import Iterator
from typing import NamedTuple

from queues import wire
from queues.admin import masking
from queues.outcomes import Damaged
from queues.wire import Json

Path = tuple[str, ...]


class Change(NamedTuple):
    """One field: its path, and its value before and after as JSON; None is absent."""

    path: str
    before: str | None
    after: str | None


def read(body: bytes | None) -> dict[str, Json] | None:
    """The message that bytes are; None if they are none."""
    if body is None:
        return None
    try:
        return wire.parse(body, len(body))
    except Damaged:
        return None


def changes(before: bytes, after: bytes, *, masked: bool) -> list[Change]:
    """The fields that differ; ``masked`` hides values that could be personal, not the change."""
    old, new = read(before), read(after)
    if old is None or new is None:
        show = masking.shape if masked else masking.legible
        return [Change("", show(before), show(after))] if before != after else []
    was, is_now = dict(_leaves(old, ())), dict(_leaves(new, ()))
    return [
        Change(
            ".".join(masking.shown_name(part) if masked else part for part in path),
            _text(path, was, masked),
            _text(path, is_now, masked),
        )
        for path in [*was, *(path for path in is_now if path not in was)]
        if path not in was
        or path not in is_now
        or wire.dumps(was[path]) != wire.dumps(is_now[path])
    ]


def _leaves(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for position, item in enumerate(value):
            yield from _leaves(item, (*path, str(position)))
    else:
        yield path, value


def _text(path: Path, leaves: dict[Path, Json], masked: bool) -> str | None:
    if path not in leaves:
        return None
    name = next((part for part in reversed(path) if not part.isdigit()), "")
    value = leaves[path]
    return wire.dumps(masking.without_personal_data(value, name) if masked else value, indent=0)
