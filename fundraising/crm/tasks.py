"""The tasks of contacts and contributions: thin, one a queue."""

import logging
from collections.abc import Sequence

from celery import shared_task
from django.conf import settings

from fundraising.crm import bank_feed, exchange_rates
from fundraising.crm.donations import import_donations
from fundraising.crm.messages import DonationMessage
from queues.consumer import Received, group_consumer

log = logging.getLogger(__name__)


@group_consumer("donations")
def donations(group: Sequence[Received[DonationMessage]]) -> None:
    """Payments that were taken become contributions of contacts."""
    import_donations(group)


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
