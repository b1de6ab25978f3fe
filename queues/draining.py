"""What workers of an instance still have in hand, and which workers there are."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from queues import delivery, instances, maintenance, reserved
from queues.celery import make_app
from queues.leases import LEASE_PART

#: Seconds in which workers are to answer.
PATIENCE = 1.0
#: Deliveries that are described one by one.
_MOST = 20


class Running(NamedTuple):
    """A task that a worker says it has; ``seconds`` since it began, None if it waits for a child.

    ``tag`` is the delivery's, if it is one of raw messages.
    """

    worker: str
    task: str
    tag: str
    seconds: float | None


def in_hand(name: str) -> int | None:
    """How many deliveries workers of an instance hold; None if it does not answer.

    Holds the instance if the open window says so, and puts back what dead workers held, as workers
    do: there may be none.
    """
    client = instances.client(name)
    timeout = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    try:
        maintenance.agree(name)
        reserved.sweep(client, timeout * LEASE_PART)
        return reserved.held(client)
    except redis.RedisError:
        return None


def workers(name: str) -> dict[str, list[Running]] | None:
    """The workers of an instance that answer, and what each has; None if Redis does not answer."""
    return _ask(name, "active", "reserved")


def is_busy(name: str) -> bool:
    """Whether a worker of an instance runs a task, or none can be asked.

    A task of beat is acknowledged before it runs, so that it shows here only.
    """
    found = _ask(name, "active")
    return found is None or any(found.values())


def describe(name: str, running: Iterable[Running]) -> list[str]:
    """A line for each delivery in hand, and for each task that is none. Raises RedisError."""
    client = instances.client(name)
    known = {one.tag: one for one in running}
    lines = []
    seconds, _ = client.time()
    for tag, ends in list(reserved.tags(client).items())[:_MOST]:
        content = reserved.messages(client, tag)
        if content is not None:
            queue, messages = content
            who = known.pop(_task_id(tag, messages), None)
            lines.append(f"{name}: {queue}: {_several(messages)}, {_whose(who, ends - seconds)}")
    lines += [f"{name}: {one.task}, {_whose(one)}" for one in known.values()]
    return lines


def _ask(name: str, *questions: str) -> dict[str, list[Running]] | None:
    found: dict[str, list[Running]] = {}
    with make_app(f"{name}-inspect", name, default=False) as app:
        inspect = app.control.inspect(timeout=PATIENCE)
        for question in questions:
            try:
                answer = getattr(inspect, question)()
            except (OperationalError, redis.RedisError, OSError):
                return None
            for worker, tasks in (answer or {}).items():
                found.setdefault(worker, []).extend(_running(worker, tasks))
    return found


def _running(worker: str, tasks: Iterable[Mapping[str, Any]]) -> list[Running]:
    now = time.time()
    return [
        Running(
            worker,
            task["name"],
            task["id"],
            max(now - task["time_start"], 0) if task.get("time_start") else None,
        )
        for task in tasks
    ]


def _task_id(tag: str, messages: list[bytes]) -> str:
    """Under which id workers know a delivery: its tag, unless it is a Celery envelope."""
    found = delivery.envelope(messages[0]) if len(messages) == 1 else None
    headers = found.get("headers") if found else None
    return str(headers.get("id")) if isinstance(headers, dict) else tag


def _several(messages: list[bytes]) -> str:
    return f"{len(messages)} message{'' if len(messages) == 1 else 's'}"


def _whose(one: Running | None, lease: float = 0) -> str:
    if one is None:
        return f"no worker tells of it, its lease ends in {lease:.0f} s"
    if one.seconds is None:
        return f"waits in {one.worker}"
    return f"runs for {one.seconds:.0f} s in {one.worker}"
