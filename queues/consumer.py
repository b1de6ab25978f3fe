"""The delivery contract: at least once delivered, at most once in effect.

Written once, here; a consumer is a schema (in the route table) and a function of one
message or of a group. docs/delivery-contract.md tells the whole story.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import redis
from celery import Task, shared_task
from celery.exceptions import Reject
from django.conf import settings

from queues import cards, effects, instances, reserved, wire
from queues.deadletter import DeadLetter, damaged_queue
from queues.effects import Apply
from queues.messages import Schema
from queues.outcomes import Damaged, Outcome, SetAside
from queues.received import Received, Refused, read
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
    try:
        if deliveries:
            begun = reserved.begin(client, tag)
            if not begun:
                log.warning("%s: the delivery is in other hands by now", route.queue)
                return
            if begun > settings.QUEUE_MAX_DELIVERIES:
                _settle(client, tag, [_worker_killer(route, body) for body in bodies])
                return
        messages: list[Received[Schema]] = []
        letters: list[DeadLetter] = []
        for body in bodies:
            item: Received[Schema] | Refused = read(route, body)
            if isinstance(item, Refused):
                letters.append(_letter(route, item.body, item.key, item.reason))
            else:
                messages.append(item)
        try:
            effects.apply(route.queue, function, messages)
        except effects.DatabaseGone:
            reserved.give_back(client, tag)
            return
        letters += [
            _letter(route, item.body, item.key, item.verdict, item.trace)
            for item in messages
            if item.verdict is not None and item.verdict.outcome is not Outcome.DROP
        ]
        _report(route, len(bodies), messages, letters)
        if letters:
            _settle(client, tag, letters)
    except redis.RedisError as error:
        # What was committed is marked in the inbox, so delivering it again does nothing.
        raise Reject(f"Redis: {type(error).__name__}", requeue=True) from error


def _worker_killer(route: Route, body: bytes) -> DeadLetter:
    reason = Damaged("WORKER_LOST", "the worker process died each time it worked on this message")
    return _letter(route, cards.mask_body(body), wire.digest(body), reason)


def _letter(route: Route, body: bytes, key: str, reason: SetAside, trace: str = "") -> DeadLetter:
    return DeadLetter(
        queue=route.queue,
        body=body,
        message_key=key,
        outcome=reason.outcome,
        code=reason.code,
        error=reason.text,
        field=reason.field,
        trace=trace,
    )


def _settle(client: redis.Redis, tag: str, letters: Sequence[DeadLetter]) -> None:
    """Acknowledge and push to damaged in one step, after the commit of the others."""
    reserved.settle(
        client, tag, [(damaged_queue(letter.queue), letter.dumps()) for letter in letters]
    )


def _report(
    route: Route,
    total: int,
    messages: Sequence[Received[Schema]],
    letters: Sequence[DeadLetter],
) -> None:
    """One line for each message that was not simply done, and one for the delivery; ids only."""
    done = 0
    for item in messages:
        if item.verdict is None:
            done += 1
        elif item.verdict.outcome is Outcome.DROP:
            log.info("%s drop %s message_id=%s", route.queue, item.verdict.code, item.key)
    for letter in letters:
        level = logging.CRITICAL if letter.code == "CARD_DATA" else logging.WARNING
        log.log(
            level,
            "%s %s %s field=%s message_id=%s",
            route.queue,
            letter.outcome,
            letter.code,
            letter.field or "-",
            letter.message_key,
        )
    log.info("%s done %d of %d", route.queue, done, total)
