"""The consumer of ``pending``, and the expiry of what nobody claimed."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from fundraising.pending import transactions
from fundraising.pending.messages import PendingMessage
from fundraising.pending.store import store
from queues import wire
from queues.consumer import Received, group_consumer

log = logging.getLogger(__name__)

# The longest that a pending transaction is kept: it holds names and addresses.
MAX_DAYS = 30


@group_consumer("pending")
def pending(group: Sequence[Received[PendingMessage]]) -> None:
    """Store what donors entered before their payment is certain."""
    store([(item.message, wire.parse(item.body, len(item.body))) for item in group])


@shared_task(name="pending.expire")
def expire(days: int = MAX_DAYS) -> int:
    """Delete pending transactions that began more than ``days`` ago; returns how many."""
    deleted = transactions.delete_old(timezone.now() - timedelta(days=days))
    log.info("pending: %d transactions older than %d days deleted", deleted, days)
    return deleted
