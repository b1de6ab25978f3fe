"""The message layer's own tasks: the dead letters, and what beat runs."""

import logging
import time

from celery import shared_task
from celery.exceptions import Reject
from django.conf import settings
from django.db import DatabaseError, transaction

from queues import bulk_resends, damaged, database, outbox, sequences
from queues.routes import DAMAGED_TASK, UNROUTED_TASK
from queues.worker import DeliveryTask

log = logging.getLogger(__name__)

# A dead letter that cannot be stored is tried again after so many seconds.
PAUSE = 10.0


@shared_task(base=DeliveryTask, name=DAMAGED_TASK)
def dead_letters(queue: str, texts: list[str]) -> None:
    """Write dead letters to the table. There is nowhere else for them: on any error they stay."""
    bodies = [text.encode("utf-8", "surrogateescape") for text in texts]
    try:
        with transaction.atomic():
            damaged.store(queue, bodies)
    except DatabaseError as error:
        log.critical("%s: %d dead letters stay: %s", queue, len(bodies), database.describe(error))
        database.wait(PAUSE)
        raise Reject("the database did not take them", requeue=True) from error
    except Exception as error:
        log.critical("%s: %d dead letters stay: %s", queue, len(bodies), type(error).__name__)
        time.sleep(PAUSE)
        raise Reject("they could not be stored", requeue=True) from error
    log.warning("%s stored %d", queue, len(bodies))


@shared_task(base=DeliveryTask, name=UNROUTED_TASK)
def unrouted(queue: str, texts: list[str]) -> None:
    """Messages on a list without a route: kept for a person."""
    dead_letters(queue, texts)


# The tasks of beat send no events: every few seconds, they would fill Flower's history. Each is of
# one instance and runs on its Redis, so that an instance that is away stops only what is its own.


@shared_task(name="queues.sweep_outbox", send_events=False)
def sweep_outbox(instance: str) -> None:
    """Relay what a crash or an outage left in the outbox for an instance; say what waits."""
    try:
        relayed = outbox.sweep(instance)
    finally:
        for queue, count in outbox.waiting().items():
            log.warning("outbox: %d messages wait for %s", count, queue)
    if relayed:
        log.info("outbox: relayed %d messages that were left for %s", relayed, instance)


@shared_task(name="queues.requeue_due", send_events=False)
def requeue_due(instance: str) -> None:
    """Send the parked messages of an instance again whose time has come."""
    requeued = damaged.requeue_due(instance)
    if requeued:
        log.info("damaged: sent %d parked messages of %s again", requeued, instance)


@shared_task(name="queues.step_bulk_resends", send_events=False)
def step_bulk_resends() -> None:
    """Send what is due of the bulk resends that run.

    They hold messages of all instances. Every instance steps them, which is safe at once: the
    rate is by the clock, and a step locks its bulk resend.
    """
    bulk_resends.step()


@shared_task(name="queues.check_sequences", send_events=False)
def check_sequences() -> None:
    """Compare the counters in Redis with the numbers in use, and say so if one is behind."""
    for name in settings.SEQUENCES:
        sequences.check(name)
