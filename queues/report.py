"""What a delivery came to: a line in the log for each message, ids only."""

import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from queues.outcomes import Outcome, SetAside
from queues.received import Received

log = logging.getLogger(__name__)

_ID = re.compile(r"[\w.:|-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Ending:
    """What became of one message; ``reason`` is None for one that had its effect.

    ``body`` and ``key`` are those that it is kept by if it is set aside; ``item`` is None for one
    that could not be read.
    """

    body: bytes
    key: str
    reason: SetAside | None = None
    item: Received[Any] | None = None

    @property
    def outcome(self) -> Outcome:
        """Done, if nothing speaks against it."""
        return self.reason.outcome if self.reason else Outcome.DONE

    @cached_property
    def age(self) -> float | None:
        """Seconds since the message was pushed, if it says when."""
        pushed: int | None = self.item.message.source_enqueued_time if self.item else None
        return max(time.time() - pushed, 0.0) if pushed else None

    def field(self, name: str) -> str | None:
        """An id that the message has, such as ``gateway``; None for what looks like no id."""
        value = getattr(self.item.message, name, None) if self.item else None
        return value if isinstance(value, str) and _ID.fullmatch(value) else None


def write(queue: str, endings: Iterable[Ending], seconds: float) -> None:
    """One line for each message; ``seconds`` is how long their delivery took."""
    for ending in endings:
        log.log(_level(ending), _text(queue, ending), extra=_fields(queue, ending, seconds))


def _level(ending: Ending) -> int:
    if ending.outcome in (Outcome.DONE, Outcome.DROP):
        return logging.INFO
    is_card = ending.reason is not None and ending.reason.code == "CARD_DATA"
    return logging.CRITICAL if is_card else logging.WARNING


def _text(queue: str, ending: Ending) -> str:
    words = [queue, ending.outcome]
    if ending.reason:
        words.append(ending.reason.code)
        if ending.reason.field:
            words.append(f"field={ending.reason.field}")
    return " ".join([*words, f"message_id={ending.key}"])


def _fields(queue: str, ending: Ending, seconds: float) -> dict[str, object]:
    age, reason = ending.age, ending.reason
    return {
        "queue": queue,
        "outcome": ending.outcome.value,
        "code": reason.code if reason else None,
        "field": reason.field or None if reason else None,
        "message_id": ending.key,
        "gateway": ending.field("gateway"),
        "order_id": ending.field("order_id"),
        "duration": round(seconds, 4),
        "age": None if age is None else round(age, 1),
    }
