"""The outbox: what a consumer pushes on is a row first, committed with its effects."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import redis
from django.db import DatabaseError, transaction
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
    transaction.on_commit(partial(_relay_now, rows))


def sweep() -> int:
    """Relay what a crash or an outage left behind; returns how many messages.

    Raises ``redis.RedisError`` when an instance is not there; its rows stay.
    """
    relayed = 0
    while True:
        with transaction.atomic():
            left = OutboxMessage.objects.filter(created_at__lt=timezone.now() - SWEEP_AFTER)
            if transaction.get_connection().features.has_select_for_update_skip_locked:
                left = left.select_for_update(skip_locked=True)
            rows = list(left.order_by("pk")[:SWEEP_BATCH])
            relay(rows)
        relayed += len(rows)
        if len(rows) < SWEEP_BATCH:
            return relayed


def relay(rows: Sequence[OutboxMessage]) -> None:
    """Push rows of the outbox and delete them.

    A crash in between pushes them twice, with one message_id: the inbox of the consumer
    knows the second.
    """
    by_instance: dict[str, list[OutboxMessage]] = defaultdict(list)
    for row in rows:
        by_instance[routes().instance_of(row.queue)].append(row)
    for instance, messages in by_instance.items():
        pipeline = instances.client(instance).pipeline(transaction=False)
        for row in messages:
            pipeline.rpush(row.queue, bytes(row.body))
        pipeline.execute()
        OutboxMessage.objects.filter(pk__in=[row.pk for row in messages]).delete()


def _relay_now(rows: Sequence[OutboxMessage]) -> None:
    """Relay right after the commit. The effects are safe, so a failure is left to the sweeper."""
    try:
        relay(rows)
    except (redis.RedisError, DatabaseError) as error:
        log.warning("outbox: %d messages wait for the sweeper: %s", len(rows), type(error).__name__)
