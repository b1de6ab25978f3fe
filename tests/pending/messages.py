"""Pending messages for tests."""

import json
from typing import Any

from fundraising.pending.messages import PendingMessage
from fundraising.pending.store import Told, store
from queues.messages import validate
from queues.wire import Json, digest, parse


def raw(**fields: Any) -> bytes:
    """A message as it stands on the wire, of one order unless it says otherwise."""
    message = {"date": 1795167943, "gateway": "adyen", "order_id": "119223.1"}
    return json.dumps({**message, **fields}).encode()


def read(**fields: Any) -> tuple[PendingMessage, dict[str, Json]]:
    """The message and the JSON it came as."""
    value = parse(raw(**fields), 2**20)
    return validate(PendingMessage, value), value


def key(**fields: Any) -> str:
    """What tells the message from others."""
    return str(fields.get("message_id") or digest(raw(**fields)))


def store_group(*messages: dict[str, Any]) -> None:
    """Store messages as one group. Runs in a transaction."""
    store([Told(*read(**fields), key(**fields)) for fields in messages])
