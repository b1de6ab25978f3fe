"""The daily exchange rates."""

import logging

from celery import shared_task
from django.conf import settings

from fundraising.crm.currencies import bank_feed, exchange_rates

log = logging.getLogger(__name__)


@shared_task(
    name="crm.load_exchange_rates",
    autoretry_for=(bank_feed.Unreachable,),
    retry_backoff=60,
    max_retries=5,
)
def load_exchange_rates() -> None:
    """Take the European Central Bank's rates of the day (setting ``ECB_RATES``)."""
    loaded = exchange_rates.load(settings.ECB_RATES)
    log.info(
        "exchange rates of %s: %d, of which %d are new",
        loaded.bank_update.date(),
        loaded.rates,
        loaded.changed,
    )
