"""Fixtures that all tests share."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
import redis
from pytest_django.fixtures import Settings

from queues import instances
from tests.servers import Valkey

# How long an example takes says nothing of a rule; in CI the same examples every time.
hypothesis.settings.register_profile(
    "rules",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("rules")


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
