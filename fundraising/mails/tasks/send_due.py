"""The mails that could not be sent right after they were written."""

import logging

from celery import shared_task

from fundraising.mails import outgoing

log = logging.getLogger(__name__)


@shared_task(name="mails.send_due", send_events=False)
def send_due() -> None:
    """Send the mails whose time has come."""
    sent = outgoing.send_due()
    if sent:
        log.info("mails: sent %d that waited", sent)
