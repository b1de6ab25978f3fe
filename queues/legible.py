"""What can be read of a message, whatever it is, without judging it: for people to find it by."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from queues.deadletter import DeadLetter

#: What tells a message from others without saying who gave.
IDS = ("gateway", "order_id", "message_id")

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]")
_LONGEST = 64


@dataclass(frozen=True)
class Sight:
    """Of one message: its ids, for a dead letter why it is one, and how old it is in seconds."""

    ids: dict[str, str]
    code: str
    age: float | None


def fields(message: bytes) -> dict[str, str]:
    """The fields of a message as text, numbers as they are written; those of a job's payload, and
    of the message in a dead letter, too. Empty for what is no JSON object.
    """
    try:
        letter = DeadLetter.loads(message)
    except ValueError:
        return _fields(message)
    own = {"code": letter.code, "field": letter.field, "error": letter.error}
    return _fields(letter.body) | own | {"damaged_at": str(letter.damaged_at)}


def fits(message: bytes, where: Mapping[str, str]) -> bool:
    """Whether a message has each of these values."""
    if not where:
        return True
    found = fields(message)
    return all(found.get(name) == value for name, value in where.items())


def sight(message: bytes) -> Sight:
    """What is shown of a message; nothing in it can play tricks on a terminal."""
    found = fields(message)
    ids = {name: _shown(found[name]) for name in IDS if found.get(name)}
    moments = (found.get(name, "") for name in ("damaged_at", "source_enqueued_time", "date"))
    since = next((float(m) for m in moments if re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?", m)), None)
    age = None if since is None else time.time() - since
    return Sight(ids, _shown(found.get("code", "") if "damaged_at" in found else ""), age)


def _shown(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:_LONGEST]


def _fields(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    payload = value.get("payload")
    told = {**payload, **value} if isinstance(payload, dict) else value
    return {
        name: item if isinstance(item, str) else json.dumps(item) for name, item in told.items()
    }
