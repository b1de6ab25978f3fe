"""The system checks find what they look for, and are quiet otherwise."""

import pytest
import redis
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from queues.routes import routes


def ids(*, deploy: bool = False) -> set[str | None]:
    return {message.id for message in run_checks(include_deployment_checks=deploy)}


@pytest.mark.django_db
def test_a_sound_configuration_is_clean(frqueue: redis.Redis) -> None:
    frqueue.config_set("maxmemory-policy", "noeviction")
    frqueue.config_set("appendonly", "yes")
    assert ids(deploy=True) == set()


def test_unknown_celery_names(settings: Settings) -> None:
    settings.CELERY_TASK_ACK_LATE = True
    assert "queues.E001" in ids()


@pytest.mark.parametrize(
    ("timeout", "limit", "found"),
    [(1, 300, "queues.E002"), (60, None, "queues.E003"), (60, 7200, "queues.W003")],
)
def test_timeouts(settings: Settings, timeout: int, limit: int | None, found: str) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": timeout}
    settings.CELERY_TASK_TIME_LIMIT = limit
    assert found in ids()


def test_a_route_needs_an_instance_and_a_consumer(settings: Settings, gift_routes: None) -> None:
    settings.REDIS_INSTANCES = {"frqueue": "redis://127.0.0.1:1"}
    routes.cache_clear()
    assert {"queues.E004", "queues.E005"} <= ids()


def test_redis_must_keep_messages(frqueue: redis.Redis) -> None:
    frqueue.config_set("appendonly", "no")
    frqueue.config_set("maxmemory-policy", "allkeys-lru")
    frqueue.rpush("donatoins", "{}")
    assert {"queues.E007", "queues.E008", "queues.W009"} <= ids(deploy=True)
    frqueue.config_set("maxmemory-policy", "noeviction")


def test_an_absent_redis_is_said_but_no_fault(settings: Settings) -> None:
    settings.REDIS_INSTANCES = {
        "frqueue": "redis://127.0.0.1:1",
        "donor-prefs": "redis://127.0.0.1:1",
    }
    assert "queues.I007" in ids(deploy=True)
