"""Where a message comes from: the first and the last hop that it took."""

from collections.abc import Mapping
from typing import Any

from queues.messages import HOP_FIELDS, ORIGIN_FIELDS, SOURCE_FIELDS, Message

Hop = dict[str, str | int]


def last_hop(message: Message) -> Hop:
    """Who pushed the message onto the list that we took it from."""
    return _hop(message, SOURCE_FIELDS)


def first_hop(message: Message) -> Hop:
    """Who pushed it first; a message that was not passed on has one hop."""
    return _hop(message, ORIGIN_FIELDS) or last_hop(message)


def passed_on(message: Mapping[str, Any]) -> dict[str, Any]:
    """The ``origin_*`` fields of a message that is pushed again; the first hop stands."""
    if any(message.get(name) for name in ORIGIN_FIELDS):
        return {}
    pairs = zip(ORIGIN_FIELDS, SOURCE_FIELDS, strict=True)
    return {origin: message[source] for origin, source in pairs if message.get(source)}


def _hop(message: Message, names: tuple[str, ...]) -> Hop:
    told = zip(HOP_FIELDS, (getattr(message, name) for name in names), strict=True)
    return {name: value for name, value in told if value is not None}
