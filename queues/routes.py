"""Where the messages of a queue go: the type of the route table.

The table itself is the project's (setting ``QUEUE_ROUTES``), so that this package
knows nothing of what its messages mean.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from queues import reserved
from queues.deadletter import SUFFIX, damaged_queue
from queues.messages import Message

DAMAGED_TASK = "queues.damaged"
UNROUTED_TASK = "queues.unrouted"


@dataclass(frozen=True)
class RetryPolicy:
    """When a parked message is tried again.

    Attempt *n* waits ``first`` * 2 ** (n - 1), at most ``longest``, with up to
    a quarter of jitter. Capped by attempts, never by the age of the message: one that
    waited long in a backlog has as many tries as any other.
    """

    attempts: int
    first: timedelta
    longest: timedelta

    def delay(self, attempt: int) -> timedelta | None:
        """The wait before attempt ``attempt`` (1 is the first retry); None when used up."""
        if attempt > self.attempts:
            return None
        # Compared before multiplying: 2 ** 1000 seconds is no timedelta.
        exponent = min(attempt - 1, 30)
        wait: timedelta = min(self.first * 2**exponent, self.longest)
        return wait * random.uniform(1, 1.25)  # noqa: S311 (jitter, not a secret)


@dataclass(frozen=True)
class Route:
    """One line of the route table.

    ``task`` is None for a queue that has no consumer yet: its messages wait, safe, on
    their list. ``group`` is the most messages in one delivery.
    """

    queue: str
    instance: str
    task: str | None
    schema: type[Message]
    group: int
    retry: RetryPolicy
    keep_damaged: timedelta


class Routes(Mapping[str, Route]):
    """The route table, by queue."""

    def __init__(self, *routes: Route) -> None:
        self._routes = {route.queue: route for route in routes}
        if len(self._routes) != len(routes):
            raise ValueError("a queue stands twice in the route table")
        if taken := self._routes.keys() & set(reserved.KEYS):
            raise ValueError(f"these names are keys of the transport: {', '.join(taken)}")

    def __getitem__(self, queue: str) -> Route:
        return self._routes[queue]

    def __iter__(self) -> Iterator[str]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def on(self, instance: str) -> list[Route]:
        """The routes of one Redis instance."""
        return [route for route in self._routes.values() if route.instance == instance]

    def instance_of(self, queue: str) -> str:
        """The instance that holds a queue or its damaged queue.

        Raises ``KeyError`` for a queue that is not in the table.
        """
        return self[queue.removesuffix(SUFFIX)].instance

    def transport_options(self, instance: str) -> dict[str, dict[str, str] | dict[str, int]]:
        """What the transport must know: the task and the group size of each list."""
        tasks: dict[str, str] = {}
        groups: dict[str, int] = {}
        for route in self.on(instance):
            tasks[damaged_queue(route.queue)] = DAMAGED_TASK
            groups[damaged_queue(route.queue)] = 100
            if route.task is not None:
                tasks[route.queue] = route.task
                groups[route.queue] = route.group
        return {"tasks": tasks, "group_sizes": groups}

    def consumed(self, instance: str) -> list[str]:
        """The lists that a worker of this instance listens to."""
        return list(self.transport_options(instance)["tasks"])


@cache
def routes() -> Routes:
    """The project's route table."""
    table = import_string(settings.QUEUE_ROUTES)
    if not isinstance(table, Routes):
        raise TypeError("QUEUE_ROUTES does not name a Routes")
    return table
