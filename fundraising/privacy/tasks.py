"""What beat runs."""

import logging

from celery import shared_task
from django.utils import timezone

from fundraising.privacy.retention import RULES

log = logging.getLogger(__name__)

# Seconds. Each batch is committed: what is not reached is left to the next day.
TIME_LIMIT = 2 * 3600


@shared_task(name="privacy.retention", time_limit=TIME_LIMIT)
def retention() -> None:
    """Delete what is older than it is kept."""
    now = timezone.now()
    for rule in RULES:
        log.info("retention: %s, %d rows gone", rule.name, sum(rule.run(now)))
