"""Older names of queues: lists that are listened to for a queue."""

import json

import pytest
import redis
from celery import Celery
from kombu import Queue
from pytest_django.fixtures import Settings

from queues import checks
from queues.celery import consume_all_of_a_queue
from queues.routes import Routes, routes
from tests.queues.routes import ROUTES


@pytest.fixture
def aliased(gift_routes: None, settings: Settings) -> Routes:
    """`presents` and `donatives` are other names of `gifts`."""
    settings.QUEUE_ALIASES = {"presents": "gifts", "donatives": "gifts"}
    routes.cache_clear()
    return routes()


def test_an_alias_has_the_task_and_the_group_of_its_queue(aliased: Routes) -> None:
    options = aliased.transport_options("frqueue")
    assert options["tasks"]["presents"] == options["tasks"]["gifts"] == "test.gifts"
    assert options["group_sizes"]["presents"] == options["group_sizes"]["gifts"] == 100
    assert options["aliases"]["presents"] == "gifts"
    assert "presents-damaged" not in options["tasks"]
    assert "presents" not in aliased.transport_options("donor-prefs")["tasks"]


def test_an_alias_is_shown_with_its_queue_but_is_none(aliased: Routes) -> None:
    assert aliased.lists("frqueue") == ["gifts", "presents", "donatives"]
    assert {"presents", "donatives"} <= set(aliased.consumed("frqueue"))
    assert list(aliased) == list(ROUTES)


class _Worker:
    """As much of a worker as the signal handler needs."""

    def __init__(self, app: Celery) -> None:
        self.app = app


@pytest.mark.parametrize(
    ("chosen", "consumed"),
    [
        ("gifts", {"gifts", "presents", "donatives", "gifts-damaged"}),
        ("presents", {"presents", "donatives", "gifts-damaged"}),
        ("thanks", {"thanks", "thanks-damaged"}),
    ],
)
def test_who_consumes_a_queue_consumes_all_its_names(
    aliased: Routes, chosen: str, consumed: set[str]
) -> None:
    with Celery("aliases", set_as_current=False) as app:
        app.conf.task_queues = [Queue(name) for name in aliased.consumed("frqueue")]
        queues = app.amqp.queues
        queues.select(chosen)
        consume_all_of_a_queue(_Worker(app))  # type: ignore[arg-type]
        assert set(queues.consume_from) == consumed


@pytest.mark.parametrize(
    ("alias", "queue"),
    [
        ("presents", "gift"),
        ("thanks", "gifts"),
        ("gifts", "gifts"),
        ("gifts-damaged", "gifts"),
        ("reserved", "gifts"),
    ],
)
def test_an_alias_that_cannot_be_is_said_and_changes_nothing(
    gift_routes: None, settings: Settings, alias: str, queue: str
) -> None:
    before = routes().transport_options("frqueue")
    settings.QUEUE_ALIASES = {alias: queue}
    routes.cache_clear()
    (error,) = checks.aliases()
    assert error.id == "queues.E010"
    assert f"{alias}={queue}" in error.msg
    assert routes().transport_options("frqueue") == before


def test_a_sound_alias_is_no_fault_and_its_list_is_known(
    aliased: Routes, frqueue: redis.Redis
) -> None:
    frqueue.rpush("presents", json.dumps({}))
    assert checks.aliases() == []
    assert "queues.W009" not in {found.id for found in checks.redis_keeps()}
