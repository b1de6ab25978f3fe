"""The entry that a set-aside message becomes on its ``<queue>-damaged`` list.

It carries the original bytes verbatim, so that what a person repairs and sends
again is exactly what the producer pushed.
"""

import base64
import binascii
import dataclasses
import json
import time
import uuid
from dataclasses import asdict, dataclass

from queues.outcomes import Outcome

SUFFIX = "-damaged"


def damaged_queue(queue: str) -> str:
    """The dead-letter list of a queue."""
    return queue + SUFFIX


@dataclass(frozen=True)
class DeadLetter:
    """One message set aside.

    ``damaged_at`` is unix seconds, UTC. ``trace`` holds frames only, no values.
    """

    queue: str
    body: bytes
    code: str
    error: str
    field: str = ""
    trace: str = ""
    outcome: Outcome = Outcome.DAMAGED
    message_key: str = ""
    id: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)
    damaged_at: float = dataclasses.field(default_factory=time.time)

    def dumps(self) -> bytes:
        """As JSON. A body that is not UTF-8 travels as base64."""
        entry = asdict(self)
        try:
            entry["body"] = self.body.decode("utf-8")
        except UnicodeDecodeError:
            del entry["body"]
            entry["body_base64"] = base64.b64encode(self.body).decode("ascii")
        return json.dumps(entry).encode()

    @classmethod
    def loads(cls, raw: bytes) -> "DeadLetter":
        """Read an entry back.

        Raises ``ValueError`` when ``raw`` is not an entry that :meth:`dumps` wrote;
        anybody can push anything on a Redis list.
        """
        try:
            entry = json.loads(raw)
            if "body_base64" in entry:
                entry["body"] = base64.b64decode(entry.pop("body_base64"), validate=True)
            else:
                entry["body"] = entry["body"].encode()
            entry["outcome"] = Outcome(entry["outcome"])
            entry["damaged_at"] = float(entry["damaged_at"])
            letter = cls(**entry)
        except (KeyError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
            raise ValueError("not a dead letter") from error
        texts = (letter.queue, letter.code, letter.error, letter.field, letter.trace)
        if not all(isinstance(text, str) for text in (*texts, letter.message_key, letter.id)):
            raise ValueError("not a dead letter")
        return letter
