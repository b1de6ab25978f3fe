"""A Celery app without Django, whose tasks write down in Redis what they got.

    BROKER=redis://... celery -A tests.queues.transport.app worker -Q donations,refunds

What a task shall do stands in the message: `sleep:2` sleeps, `kill` kills its process, `raise`
raises.
"""

import json
import os
import signal
import time

import redis
from celery import Celery, shared_task
from celery.exceptions import Reject

from queues import reserved, transport
from queues.worker import DeliveryTask

transport.register()

BROKER = os.environ["BROKER"]
RESULTS = os.environ.get("RESULTS", BROKER)
#: Seconds; short, for the tests to be fast.
VISIBILITY_TIMEOUT = float(os.environ.get("VISIBILITY_TIMEOUT", "2"))

#: As the delivery contract does: what killed its worker more often is given up.
MAX_DELIVERIES = 3

app = Celery("app", broker=BROKER)
app.conf.update(
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "tasks": {"donations": "group", "refunds": "group", "limited": "limited", "gifts": "group"},
        "group_sizes": {"donations": 10, "gifts": 10},
        "aliases": {"gifts": "donations"},
        "master_name": "mymaster",
    },
    task_acks_late=True,
    task_acks_on_failure=False,
    task_acks_on_timeout=False,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    # Celery waits so long for the result of a child that is gone.
    worker_lost_wait=0.2,
    task_default_queue="donations",
    worker_consumer="queues.worker:Consumer",
    worker_prefetch_multiplier=int(os.environ.get("PREFETCH", "4")),
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_prefetch_count_reduction=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
)

results = redis.Redis.from_url(RESULTS)


def record(kind: str, **facts: object) -> None:
    """Append what happened to the list `results`."""
    results.rpush("results", json.dumps({"kind": kind, "pid": os.getpid()} | facts))


def got(task: DeliveryTask, queue: str, texts: list[str]) -> None:
    """Write down a delivery, and do what its messages say."""
    tag, deliveries = str(task.request.id), task.request.get("deliveries")
    begun = reserved.begin(results, tag) if deliveries else 0
    if begun > MAX_DELIVERIES:
        reserved.settle(results, tag, [(f"{queue}-damaged", json.dumps({"body": texts}).encode())])
        return
    record("got", queue=queue, texts=texts, tag=tag, deliveries=deliveries, begun=begun)
    for text in texts:
        verb, _, value = text.partition(":")
        if verb == "sleep":
            time.sleep(float(value.partition(":")[0]))
        elif verb == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "raise":
            raise ValueError
        elif verb == "reject":
            raise Reject(requeue=False)
    record("done", texts=texts, tag=tag)


@shared_task(name="group", bind=True, base=DeliveryTask)
def group(self: DeliveryTask, queue: str, texts: list[str]) -> None:
    """The task of the routed queues."""
    got(self, queue, texts)


@shared_task(name="queues.unrouted", bind=True, base=DeliveryTask)
def unrouted(self: DeliveryTask, queue: str, texts: list[str]) -> None:
    """The task of lists without a route."""
    got(self, queue, texts)


class Limited(DeliveryTask):
    """With a hard time limit, in seconds."""

    abstract = True
    time_limit = 1


@shared_task(name="limited", bind=True, base=Limited)
def limited(self: DeliveryTask, queue: str, texts: list[str]) -> None:
    """Runs into its hard time limit the first time."""
    got(self, queue, texts if not self.request.get("deliveries") else ["again"])


@shared_task(name="add")
def add(x: int, y: int) -> int:
    """An ordinary Celery task."""
    record("add", sum=x + y)
    return x + y
