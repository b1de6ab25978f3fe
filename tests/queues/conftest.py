"""The contract on a route table of its own, with a real Redis and a real database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from pytest_django.fixtures import Settings

from queues import reserved
from queues.consumer import deliver
from queues.deadletter import DeadLetter
from queues.effects import Apply
from queues.routes import routes
from tests.queues.routes import Gift


@pytest.fixture
def gift_routes(settings: Settings) -> Iterator[None]:
    """The route table of the tests in place of the project's."""
    settings.QUEUE_ROUTES = "tests.queues.routes.ROUTES"
    routes.cache_clear()
    yield
    routes.cache_clear()


@dataclass
class Gifts:
    """The test queue: push bytes on it, have them delivered as the transport would."""

    redis: redis.Redis
    reservations: int = 0

    def push(self, *bodies: bytes | dict[str, Any]) -> None:
        for body in bodies:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.redis.rpush("gifts", raw)

    def reserve(self, count: int = 100) -> reserved.Group | None:
        """The next delivery, taken as the transport takes it."""
        self.reservations += 1
        reply = self.redis.execute_command(
            *reserved.reserve_command(
                ["gifts"],
                {"gifts": count},
                prefix=f"{self.reservations:04}.",
                lease=60,
                room=1,
                group_bytes=4 * 2**20,
                message_bytes=2**20,
            )
        )
        groups = reserved.groups(reply)
        return groups[0] if groups else None

    def deliver(self, function: Apply[Gift], count: int = 100) -> bool:
        """Deliver the next group and acknowledge it, as a worker does; whether there was one."""
        group = self.reserve(count)
        if group is None:
            return False
        deliver(routes()["gifts"], function, group.messages, group.tag, group.deliveries)
        reserved.settle(self.redis, group.tag)
        return True

    def damaged(self) -> list[DeadLetter]:
        """What stands on the damaged list."""
        return [DeadLetter.loads(entry) for entry in self.redis.lrange("gifts-damaged", 0, -1)]


@pytest.fixture
def gifts(frqueue: redis.Redis, gift_routes: None) -> Gifts:
    return Gifts(frqueue)


def gift(number: int, **fields: object) -> dict[str, Any]:
    """A good message of the test queue."""
    return {"gateway": "adyen", "order_id": f"{number}.1", "gross": "10.00", **fields}
