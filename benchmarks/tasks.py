"""Tasks without work, by which the transport and the worker are measured alone."""

import json
import time

from celery import shared_task

from queues import instances
from queues.worker import DeliveryTask

# The list on which a start is reported, and the field that holds when the message was pushed.
STARTS = "benchmark-starts"
PUSHED = "pushed"


@shared_task(base=DeliveryTask, name="benchmarks.nothing")
def nothing(_queue: str, _texts: list[str]) -> None:
    """Be reserved, delivered and acknowledged."""


@shared_task(base=DeliveryTask, name="benchmarks.start")
def start(_queue: str, texts: list[str]) -> None:
    """Report how many seconds after its push each message is here."""
    now = time.time()
    waits = [now - json.loads(text)[PUSHED] for text in texts]
    instances.client("frqueue").rpush(STARTS, *waits)
