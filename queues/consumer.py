"""The delivery contract: at least once delivered, at most once in effect.

Written once, here; a consumer is a schema (in the route table) and a function of one
message or of a group. docs/delivery-contract.md tells the whole story.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from celery import Task, shared_task
from celery.exceptions import Reject
from django.conf import settings

from queues import cards, effects, instances, report, reserved, wire
from queues.deadletter import DeadLetter, damaged_queue
from queues.effects import Apply
from queues.messages import Schema
from queues.metrics import counts
from queues.outcomes import Damaged, Outcome, SetAside
from queues.received import Received, Refused, read
from queues.report import Ending
from queues.routes import Route, routes
from queues.worker import DeliveryTask

__all__ = ["Received", "consumer", "group_consumer"]

log = logging.getLogger(__name__)


def consumer(queue: str) -> Callable[[Callable[[Schema], None]], Task[Any, None]]:
    """Make a function of one message the consumer of a queue.

    It runs in a transaction and says by exception what else than *done* became of the
    message (see :mod:`queues.outcomes`).
    """

    def decorate(function: Callable[[Schema], None]) -> Task[Any, None]:
        return _task(queue, effects.each(function))

    return decorate


def group_consumer(queue: str) -> Callable[[Apply[Schema]], Task[Any, None]]:
    """Make a function of a group of messages the consumer of a queue.

    It runs in a transaction. For a message that it cannot import it calls
    :meth:`Received.set_aside` before it writes anything for it. If it raises, its work is
    rolled back and it is called again with each message alone.
    """

    def decorate(function: Apply[Schema]) -> Task[Any, None]:
        return _task(queue, function)

    return decorate


def _task(queue: str, function: Apply[Schema]) -> Task[Any, None]:
    route = routes()[queue]

    def task(self: Task[Any, None], _queue: str, texts: list[str]) -> None:
        bodies = [text.encode("utf-8", "surrogateescape") for text in texts]
        tag = self.request.id or ""
        deliver(route, function, bodies, tag, self.request.get("deliveries") or 0)

    # For the documentation. A partial says nothing itself.
    task.__doc__ = getattr(function, "func", function).__doc__
    return shared_task(base=DeliveryTask, name=route.task, bind=True)(task)


def deliver(
    route: Route,
    function: Apply[Schema],
    bodies: Sequence[bytes],
    tag: str,
    deliveries: int,
) -> None:
    """Bring each message of a delivery to its end.

    ``tag`` names what is reserved in Redis; ``deliveries`` is above 0 when a worker
    process died with this message before. Returns for the delivery to be acknowledged,
    or has settled it itself. Raises ``Reject`` for it to be delivered again.
    """
    client = instances.client(route.instance)
    began = time.monotonic()
    try:
        if deliveries:
            begun = reserved.begin(client, tag)
            if not begun:
                log.warning("%s: the delivery is in other hands by now", route.queue)
                return
            if begun > settings.QUEUE_MAX_DELIVERIES:
                _end(client, route, tag, [_worker_killer(body) for body in bodies], began)
                return
        messages: list[Received[Schema]] = []
        endings: list[Ending] = []
        for body in bodies:
            item: Received[Schema] | Refused = read(route, body)
            if isinstance(item, Refused):
                endings.append(Ending(item.body, item.key, item.reason))
            else:
                messages.append(item)
        try:
            effects.apply(route.queue, function, messages)
        except effects.DatabaseGone:
            reserved.give_back(client, tag)
            return
        endings += [Ending(item.body, item.key, item.verdict, item) for item in messages]
        _end(client, route, tag, endings, began)
    except redis.RedisError as error:
        # What was committed is marked in the inbox, so delivering it again does nothing.
        raise Reject(f"Redis: {type(error).__name__}", requeue=True) from error


def _worker_killer(body: bytes) -> Ending:
    reason = Damaged("WORKER_LOST", "the worker process died each time it worked on this message")
    return Ending(cards.mask_body(body), wire.digest(body), reason)


def _end(
    client: redis.Redis, route: Route, tag: str, endings: Sequence[Ending], began: float
) -> None:
    """Tell what became of each message, and keep those that were set aside.

    Acknowledge and push these to damaged in one step, after the commit of the others.
    """
    seconds = time.monotonic() - began
    report.write(route.queue, endings, seconds)
    letters = [
        _letter(route, ending, ending.reason)
        for ending in endings
        if ending.reason and ending.outcome is not Outcome.DROP
    ]
    if letters:
        reserved.settle(
            client, tag, [(damaged_queue(letter.queue), letter.dumps()) for letter in letters]
        )
    counts.add(client, counts.of_delivery(route, endings, seconds))


def _letter(route: Route, ending: Ending, reason: SetAside) -> DeadLetter:
    return DeadLetter(
        queue=route.queue,
        body=ending.body,
        message_key=ending.key,
        outcome=reason.outcome,
        code=reason.code,
        error=reason.text,
        field=reason.field,
        trace=ending.item.trace if ending.item else "",
    )
