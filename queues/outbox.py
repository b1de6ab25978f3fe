"""The outbox: what a consumer pushes on is a row first, committed with its effects."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import redis
from django.db import transaction
from django.utils import timezone

from queues import instances
from queues.models import OutboxMessage
from queues.producer import encode
from queues.routes import routes

log = logging.getLogger(__name__)

# Younger rows are left to the relay of the process that wrote them.
SWEEP_AFTER = timedelta(seconds=15)
SWEEP_BATCH = 500


def push_later(queue: str, message: Mapping[str, Any]) -> None:
    """Push when this transaction has committed. Raises as :func:`push_later_many` does."""
    push_later_many(queue, [message])


def push_later_many(queue: str, messages: Iterable[Mapping[str, Any]]) -> None:
    """Push messages, in order, when this transaction has committed, and never if it does not.

    Raises ``KeyError`` for a queue that is not in the route table and
    ``TransactionManagementError`` outside a transaction.
    """
    send_later(queue, [encode(message) for message in messages])


def send_later(queue: str, bodies: Sequence[tuple[str, bytes]]) -> None:
    """The same for bytes that are ready: pairs of message_id and body."""
    routes().instance_of(queue)
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("the outbox needs a transaction")
    rows = OutboxMessage.objects.bulk_create(
        OutboxMessage(queue=queue, message_id=message_id, body=body) for message_id, body in bodies
    )
    transaction.on_commit(partial(_relay_now, [row.pk for row in rows]))


def sweep() -> int:
    """Relay what a crash or an outage left behind; returns how many messages."""
    relayed = 0
    while True:
        waiting = OutboxMessage.objects.filter(created_at__lt=timezone.now() - SWEEP_AFTER)
        ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:SWEEP_BATCH])
        if not ids:
            return relayed
        done = relay(ids)
        if not done:
            return relayed
        relayed += done


def relay(ids: Sequence[int]) -> int:
    """Push rows of the outbox and delete them; returns how many.

    A crash in between pushes them twice, with one message_id: the inbox of the consumer
    knows the second. Raises ``redis.RedisError`` when an instance is not there; the rows
    of that instance stay.
    """
    with transaction.atomic():
        rows = OutboxMessage.objects.filter(pk__in=ids).order_by("pk")
        if transaction.get_connection().features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        by_instance: dict[str, list[OutboxMessage]] = defaultdict(list)
        for row in rows:
            by_instance[routes().instance_of(row.queue)].append(row)
        pushed: list[int] = []
        for instance, messages in by_instance.items():
            pipeline = instances.client(instance).pipeline(transaction=False)
            for row in messages:
                pipeline.rpush(row.queue, bytes(row.body))
            pipeline.execute()
            pushed += [row.pk for row in messages]
        OutboxMessage.objects.filter(pk__in=pushed).delete()
    return len(pushed)


def _relay_now(ids: Sequence[int]) -> None:
    """Relay right after the commit. The effects are safe, so a failure is left to the sweeper."""
    try:
        relay(ids)
    except redis.RedisError as error:
        log.warning("outbox: %d messages wait for the sweeper: %s", len(ids), type(error).__name__)
