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

_JITTER = 1.25


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
        return self._wait(attempt) * random.uniform(1, _JITTER)  # noqa: S311 (no secret)

    @property
    def horizon(self) -> timedelta:
        """How long after it first failed a message is tried for the last time, at most."""
        waits = (self._wait(attempt) for attempt in range(1, self.attempts + 1))
        return sum(waits, timedelta()) * _JITTER

    def _wait(self, attempt: int) -> timedelta:
        # Compared before multiplying: 2 ** 1000 seconds is no timedelta.
        exponent = min(attempt - 1, 30)
        wait: timedelta = min(self.first * 2**exponent, self.longest)
        return wait


@dataclass(frozen=True)
class Route:
    """One line of the route table.

    ``group`` is the most messages in one delivery. ``formerly`` is what older producers call
    the queue; it is listened to if it is set as an alias.
    """

    queue: str
    instance: str
    task: str
    schema: type[Message]
    group: int
    retry: RetryPolicy
    keep_damaged: timedelta
    formerly: str = ""


class Routes(Mapping[str, Route]):
    """The route table, by queue.

    ``aliases`` says which other lists are listened to for a queue; one with an
    :meth:`alias_fault` is not.
    """

    def __init__(self, *routes: Route, aliases: Mapping[str, str] | None = None) -> None:
        self._routes = {route.queue: route for route in routes}
        if len(self._routes) != len(routes):
            raise ValueError("a queue stands twice in the route table")
        if taken := self._routes.keys() & set(reserved.KEYS):
            raise ValueError(f"these names are keys of the transport: {', '.join(taken)}")
        self.aliases = {
            alias: queue
            for alias, queue in (aliases or {}).items()
            if not self.alias_fault(alias, queue)
        }

    def __getitem__(self, queue: str) -> Route:
        return self._routes[queue]

    def __iter__(self) -> Iterator[str]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def alias_fault(self, alias: str, queue: str) -> str:
        """Why a list cannot be listened to for a queue; empty if it can."""
        if queue not in self:
            return f"{queue} is no queue"
        if alias in self or alias.endswith(SUFFIX) or alias in reserved.KEYS:
            return "the list has another meaning"
        return ""

    def on(self, instance: str) -> list[Route]:
        """The routes of one Redis instance."""
        return [route for route in self._routes.values() if route.instance == instance]

    def queues(self, instance: str) -> list[str]:
        """The queues of one Redis instance and their damaged queues."""
        names = [route.queue for route in self.on(instance)]
        return [*names, *map(damaged_queue, names)]

    def aliases_of(self, queue: str) -> list[str]:
        """The other lists that are listened to for a queue."""
        return [alias for alias, real in self.aliases.items() if real == queue]

    def lists(self, instance: str) -> list[str]:
        """The lists that producers push on: the queues of an instance and their aliases."""
        queues = [route.queue for route in self.on(instance)]
        return [name for queue in queues for name in (queue, *self.aliases_of(queue))]

    def instance_of(self, queue: str) -> str:
        """The instance that holds a queue or its damaged queue.

        Raises ``KeyError`` for a queue that is not in the table.
        """
        return self[queue.removesuffix(SUFFIX)].instance

    def transport_options(self, instance: str) -> dict[str, dict[str, str] | dict[str, int]]:
        """What the transport must know: the task and the group size of each list, its queue."""
        tasks: dict[str, str] = {}
        groups: dict[str, int] = {}
        for route in self.on(instance):
            tasks[damaged_queue(route.queue)] = DAMAGED_TASK
            groups[damaged_queue(route.queue)] = 100
            for name in (route.queue, *self.aliases_of(route.queue)):
                tasks[name] = route.task
                groups[name] = route.group
        return {"tasks": tasks, "group_sizes": groups, "aliases": self.aliases}

    def consumed(self, instance: str) -> list[str]:
        """The lists that a worker of this instance listens to."""
        return [*self.transport_options(instance)["tasks"]]


@cache
def routes() -> Routes:
    """The project's route table, with the aliases that are set."""
    table = import_string(settings.QUEUE_ROUTES)
    if not isinstance(table, Routes):
        raise TypeError("QUEUE_ROUTES does not name a Routes")
    return Routes(*table.values(), aliases=settings.QUEUE_ALIASES)
