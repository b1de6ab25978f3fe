"""The outbox: what a consumer pushes on is a row first, committed with its effects."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import redis
from django.db import DatabaseError, transaction
from django.db.models import Count
from django.utils import timezone

from queues import instances
from queues.models import OutboxMessage
from queues.producer import encode
from queues.routes import routes

log = logging.getLogger(__name__)

# Younger rows are left to the relay of the process that wrote them.
SWEEP_AFTER = timedelta(seconds=15)
SWEEP_BATCH = 500
# What is older was not swept: its instance is away, or nobody sweeps it.
OVERDUE = timedelta(minutes=1)

# Seconds for which a process leaves all to the sweeper when an instance does not answer, so that
# one that hangs costs consumers of the other one time-out and not one a message.
PAUSE = 60.0
_paused_until: WeakKeyDictionary[redis.Redis, float] = WeakKeyDictionary()


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
    instance = routes().instance_of(queue)
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("the outbox needs a transaction")
    rows = OutboxMessage.objects.bulk_create(
        OutboxMessage(queue=queue, message_id=message_id, body=body) for message_id, body in bodies
    )
    transaction.on_commit(partial(_relay_now, instance, rows))


def sweep(instance: str) -> int:
    """Relay what a crash or an outage left behind for an instance; returns how many messages.

    Raises ``redis.RedisError`` when the instance is not there; its rows stay.
    """
    relayed = 0
    mine = OutboxMessage.objects.filter(queue__in=routes().queues(instance))
    while True:
        # Asked before rows are locked: a Redis that hangs must not hold up the database.
        instances.client(instance).ping()
        with transaction.atomic():
            left = mine.filter(created_at__lt=timezone.now() - SWEEP_AFTER)
            if transaction.get_connection().features.has_select_for_update_skip_locked:
                left = left.select_for_update(skip_locked=True)
            rows = list(left.order_by("pk")[:SWEEP_BATCH])
            _relay(instance, rows)
        relayed += len(rows)
        if len(rows) < SWEEP_BATCH:
            return relayed


def waiting() -> dict[str, int]:
    """What has waited for longer than the sweeper needs, by queue; of all instances.

    An instance that is away runs no sweeper that could tell.
    """
    overdue = OutboxMessage.objects.filter(created_at__lt=timezone.now() - OVERDUE)
    counts = overdue.order_by("queue").values_list("queue").annotate(count=Count("pk"))
    return dict(counts)


def _relay(instance: str, rows: Sequence[OutboxMessage]) -> None:
    """Push rows of the outbox and delete them.

    A crash in between pushes them twice, with one message_id: the inbox of the consumer
    knows the second.
    """
    if rows:
        pipeline = instances.client(instance).pipeline(transaction=False)
        for row in rows:
            pipeline.rpush(row.queue, bytes(row.body))
        pipeline.execute()
        OutboxMessage.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _relay_now(instance: str, rows: Sequence[OutboxMessage]) -> None:
    """Relay right after the commit. The effects are safe, so a failure is left to the sweeper."""
    client = instances.client(instance)
    if time.monotonic() < _paused_until.get(client, 0):
        return
    try:
        _relay(instance, rows)
    except (redis.RedisError, DatabaseError) as error:
        if isinstance(error, redis.RedisError):
            _paused_until[client] = time.monotonic() + PAUSE
        log.warning("outbox: %d messages wait for the sweeper: %s", len(rows), type(error).__name__)
