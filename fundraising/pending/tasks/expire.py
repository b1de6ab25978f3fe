"""The expiry of pending transactions that nobody claimed."""

import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from fundraising.pending import transactions

log = logging.getLogger(__name__)

# The longest that a pending transaction is kept: it holds names and addresses.
MAX_DAYS = 30


@shared_task(name="pending.expire")
def expire(days: int = MAX_DAYS) -> int:
    """Delete pending transactions that began more than ``days`` ago; returns how many."""
    deleted = transactions.delete_old(timezone.now() - timedelta(days=days))
    log.info("pending: %d transactions older than %d days deleted", deleted, days)
    return deleted
