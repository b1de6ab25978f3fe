"""Events as messages of ours, and our messages as events."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from queues import cards, wire
from queues.deadletter import DeadLetter, damaged_queue
from queues.mover.interface import Consumer, Event
from queues.routes import routes

_NOT_MOVED = "NOT_MOVED"


def event(queue: str, body: bytes, seen: datetime) -> Event:
    """A message of ours as an event; its time is when it was pushed, or else ``seen``."""
    told = _read(body) or {}
    return Event(
        id=_message_id(told) or wire.digest(body),
        time=_pushed_at(told) or seen,
        type=queue,
        data=body.decode("utf-8", "surrogateescape"),
    )


def message(consumer: Consumer, event: Event) -> tuple[str, bytes]:
    """The message that an event becomes: its key in the inbox, and its bytes.

    A message of ours stays as it is, byte by byte; so does what is no JSON object, for the
    consumer to set aside. The object that another producer wrote keeps its text, and gets the
    field ``source_event`` (what the event says beside its data: id, time, type, extras) and,
    where they are absent, a ``message_id`` that is the same each time the event comes and
    ``source_enqueued_time``. An event without data is an object with nothing else.
    """
    body = (event.data if event.data is not None else "{}").encode("utf-8", "surrogateescape")
    told = _read(body)
    key = (_message_id(told) if told is not None else "") or wire.digest(body)
    if told is None or event.id == key:
        return key, body
    whole = _with(body, told, _added(consumer, event, told))
    return _message_id(_read(whole) or {}) or wire.digest(whole), whole


def identity(consumer: Consumer, event: Event) -> str:
    """64 hex digits, the same for the same event of the same queue whoever moves it."""
    parts = (consumer.source, consumer.queue, event.id)
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def dead_letter(consumer: Consumer, queue: str, event: Event, reason: str) -> tuple[str, bytes]:
    """What a person finds of an event that could not be put: the damaged list and the entry.

    Nobody reads the damaged list of a queue without a route: its entry goes to the first one of
    the route table, and tells the queue's name.
    """
    key, body = message(consumer, event)
    letter = DeadLetter(
        queue=queue,
        body=cards.mask_body(body),
        code=_NOT_MOVED,
        error=f"{reason}: event {event.id}",
        message_key=key,
        id=identity(consumer, event)[:32],
    )
    return damaged_queue(queue if queue in routes() else next(iter(routes()))), letter.dumps()


def _added(consumer: Consumer, event: Event, told: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "id": event.id,
        "time": event.time.astimezone(UTC).isoformat(),
        "type": event.type,
        "extra1": event.extra1,
        "extra2": event.extra2,
        "extra3": event.extra3,
        "extra4": event.extra4,
    }
    fields = {
        "message_id": identity(consumer, event),
        "source_enqueued_time": int(event.time.timestamp()),
        "source_event": {name: value for name, value in facts.items() if value is not None},
    }
    return {name: value for name, value in fields.items() if name not in told}


def _with(body: bytes, told: dict[str, Any], added: dict[str, Any]) -> bytes:
    """The object with more fields behind the others, whose text stays: numbers keep each digit."""
    head, brace, tail = body.rpartition(b"}")
    more = json.dumps(added)[1:-1].encode()
    return head + (b", " if told else b"") + more + brace + tail


def _read(body: bytes) -> dict[str, Any] | None:
    """The fields of a message; None for what is no JSON object."""
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _message_id(told: dict[str, Any]) -> str:
    """As :mod:`queues.received` reads it; empty if there is none that counts."""
    value = told.get("message_id")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value).strip()
    return text if len(text) <= 64 else ""


def _pushed_at(told: dict[str, Any]) -> datetime | None:
    value = told.get("source_enqueued_time")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC)
