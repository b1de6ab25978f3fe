"""Damaged messages for tests, made as the consumer of a damaged list makes them."""

import json
from typing import Any

from queues import damaged, wire
from queues.deadletter import DeadLetter, damaged_queue
from queues.models import DamagedMessage
from queues.outcomes import Damaged


def damage(body: bytes | dict[str, Any], *, queue: str = "gifts", **fields: Any) -> DamagedMessage:
    """The row of a message that was set aside."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        message_id = wire.parse(raw, len(raw)).get("message_id")
    except Damaged:
        message_id = None
    given = {"code": "INVALID_MESSAGE", "error": "is not positive", "field": "gross", **fields}
    key = message_id if isinstance(message_id, str) else wire.digest(raw)
    letter = DeadLetter(**{"queue": queue, "body": raw, "message_key": key, **given})
    damaged.store(damaged_queue(queue), [letter.dumps()])
    return DamagedMessage.objects.get(original_queue=queue, message_id=letter.message_key)
