"""Fixtures that all tests share."""

from collections.abc import Iterator

import pytest
import redis
from pytest_django.fixtures import Settings

from queues import instances
from tests.servers import Valkey


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A real Redis-protocol server for the session."""
    with Valkey() as server:
        yield server


@pytest.fixture
def frqueue(valkey: Valkey, settings: Settings) -> Iterator[redis.Redis]:
    """A client of an empty frqueue; donor-prefs is another database of the same server."""
    settings.REDIS_INSTANCES = {
        "frqueue": f"redis://127.0.0.1:{valkey.port}/0",
        "donor-prefs": f"redis://127.0.0.1:{valkey.port}/1",
    }
    instances.client.cache_clear()
    client = instances.client("frqueue")
    client.flushall()
    yield client
    instances.client.cache_clear()
