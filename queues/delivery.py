"""From what was reserved to the Celery message that a worker runs, and to dead letters.

A group of raw messages becomes a task of the route's name. A Celery envelope (a retry, a periodic
job) runs as itself, once it is sure that Celery can read it: Celery itself acknowledges, and so
loses, what it cannot decode.
"""

import json
from collections.abc import Mapping
from typing import Any

from kombu import serialization
from kombu.transport import virtual

from queues.deadletter import DeadLetter, damaged_queue
from queues.reserved import Group

#: The task that gets what stands on a list without a route.
UNROUTED = "queues.unrouted"

#: How often a worker may die with a Celery envelope; tasks of raw messages count for themselves
#: (`begin`).
MAX_ENVELOPE_DELIVERIES = 5

_ACCEPT = ("application/json",)


class Undeliverable(Exception):
    """A Celery envelope that no worker can run; `code` for its dead letter. The text names no
    values.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def payload(
    group: Group, tasks: Mapping[str, str], channel: virtual.Channel, *, no_ack: bool = False
) -> dict[str, Any]:
    """The message in kombu's form; `tasks` gives the task of a queue's raw messages.

    Raises Undeliverable for a Celery envelope that would fail in the worker. `no_ack` says that it
    is no task but an answer (to `celery inspect`, say), which may hold anything.
    """
    if len(group.messages) == 1:
        found = envelope(group.messages[0])
        if found is not None:
            return _checked(found, group, channel, no_ack)
    return _raw(group, tasks.get(group.queue, UNROUTED))


def dead_letters(
    queue: str, messages: list[bytes], code: str, error: str
) -> list[tuple[str, bytes]]:
    """The entries, with the list each goes on, that keep `messages` for a person."""
    return [
        (
            damaged_queue(queue),
            DeadLetter(queue=queue, body=message, code=code, error=error).dumps(),
        )
        for message in messages
    ]


def _raw(group: Group, task: str) -> dict[str, Any]:
    texts = [message.decode("utf-8", "surrogateescape") for message in group.messages]
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return {
        # ASCII with \u escapes, so lone surrogates, which stand for bytes that are not UTF-8, get
        # through.
        "body": json.dumps([[group.queue, texts], {}, embed]),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {
            "lang": "py",
            "task": task,
            "id": group.tag,
            "root_id": group.tag,
            "parent_id": None,
            "group": None,
            "retries": 0,
            "eta": None,
            "expires": None,
            "timelimit": [None, None],
            # Celery logs and Flower show these: never what is in the messages.
            "argsrepr": f"{group.queue} x{len(texts)}",
            "kwargsrepr": "{}",
            "ignore_result": True,
            "deliveries": group.deliveries,
        },
        "properties": {
            "correlation_id": group.tag,
            "reply_to": None,
            "delivery_mode": 2,
            "priority": 0,
            "body_encoding": None,
            "delivery_tag": group.tag,
            "delivery_info": {
                "exchange": "",
                "routing_key": group.queue,
                "redelivered": group.deliveries > 0,
            },
        },
    }


def envelope(message: bytes) -> dict[str, Any] | None:
    """The Celery envelope that a message is, or None: then it is a raw message, whatever it is."""
    if b'"properties"' not in message or b'"body"' not in message:
        return None
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "properties" in value and "body" in value else None


def _checked(
    envelope: dict[str, Any], group: Group, channel: virtual.Channel, no_ack: bool
) -> dict[str, Any]:
    if group.deliveries > MAX_ENVELOPE_DELIVERIES:
        raise Undeliverable("WORKER_LOST", "the worker died each time it had this task")
    properties, headers = envelope["properties"], envelope.get("headers")
    if not isinstance(properties, dict) or not isinstance(headers, dict):
        raise Undeliverable("INVALID_ENVELOPE", "properties or headers is not an object")
    if not isinstance(envelope["body"], str):
        raise Undeliverable("INVALID_ENVELOPE", "body is not a string")
    properties["delivery_tag"] = group.tag
    info = properties.get("delivery_info")
    properties["delivery_info"] = (info if isinstance(info, dict) else {}) | {
        "redelivered": group.deliveries > 0
    }
    headers["deliveries"] = group.deliveries
    if not no_ack:
        if not all(isinstance(headers.get(name), str) and headers[name] for name in ("task", "id")):
            raise Undeliverable("INVALID_ENVELOPE", "headers name no task or no id")
        _check_body(envelope, channel)
    return envelope


def _check_body(envelope: dict[str, Any], channel: virtual.Channel) -> None:
    """Decode it here, where a failure can still be kept for a person."""
    try:
        # kombu knows the encodings and compressions.
        message = channel.Message(envelope, channel=channel)
        body = serialization.loads(
            message.body or b"",
            message.content_type or "",
            message.content_encoding or "",
            accept=_ACCEPT,
        )
    except Exception as error:  # noqa: BLE001  kombu's decoders raise anything, even zlib.error
        raise Undeliverable(
            "INVALID_ENVELOPE", f"body does not decode: {type(error).__name__}"
        ) from None
    if message.errors:  # of the decompression
        raise Undeliverable("INVALID_ENVELOPE", "body does not decompress")
    match body:
        case [list(), dict(), dict() | None]:
            return
    raise Undeliverable("INVALID_ENVELOPE", "body is not [args, kwargs, embed]")
