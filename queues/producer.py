"""Pushing messages: plain JSON, as any producer does, with the envelope added."""

import json
import os
import socket
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import redis
from django.conf import settings

from queues import instances
from queues.provenance import passed_on
from queues.routes import routes


class PushError(Exception):
    """The message was not pushed: Redis did not take it. Nothing was lost but the call."""


class _Encoder(json.JSONEncoder):
    """Money goes out as text, the one form that every consumer reads exactly."""

    def default(self, value: object) -> object:
        if isinstance(value, Decimal):
            return str(value)
        return super().default(value)


def encode(message: Mapping[str, Any]) -> tuple[str, bytes]:
    """The message_id and the bytes of a message with its envelope.

    The ``source_*`` fields are overwritten, as they describe this hop; those that are there
    go to ``origin_*``. A message_id that is there is kept, as it is the identity of the
    message over all hops.
    """
    message_id = str(message.get("message_id") or uuid.uuid4().hex)
    envelope = {
        "message_id": message_id,
        "source_name": settings.SOURCE_NAME,
        "source_type": settings.SOURCE_TYPE,
        "source_host": socket.gethostname(),
        "source_run_id": os.getpid(),
        "source_version": settings.SOURCE_VERSION,
        "source_enqueued_time": int(time.time()),
    }
    whole = {**message, **passed_on(message), **envelope}
    return message_id, json.dumps(whole, cls=_Encoder, allow_nan=False).encode()


def push(queue: str, message: Mapping[str, Any]) -> str:
    """Put a message at the end of a queue; returns its message_id.

    Raises ``KeyError`` for a queue that is not in the route table, ``TypeError`` or
    ``ValueError`` for what JSON cannot hold, ``PushError`` when Redis does not take it.
    """
    instance = routes().instance_of(queue)
    message_id, body = encode(message)
    try:
        instances.client(instance).rpush(queue, body)
    except redis.RedisError as error:
        raise PushError(f"{queue} on {instance}: {error}") from error
    return message_id
