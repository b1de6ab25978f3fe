"""System checks: what would lose, double or strand messages, said before it happens."""

from collections.abc import Iterable

import redis
from celery import current_app
from celery.app.defaults import NAMESPACES, flatten
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register
from django.core.checks import Warning as Caution
from django.utils.module_loading import autodiscover_modules

from queues import instances, lists
from queues.routes import routes

PREFIX = "CELERY_"
# Seconds. A lease is renewed a few times in its life; a hung task keeps its messages.
MIN_VISIBILITY_TIMEOUT = 3
MAX_TIME_LIMIT = 3600


@register()
def unknown_celery_settings(**_options: object) -> list[CheckMessage]:
    """A misspelt CELERY_* name has no effect and no error of its own."""
    known = {f"{PREFIX}{option[0].upper()}" for option in flatten(NAMESPACES)}
    return [
        Error(f"{name} is no setting of Celery", id="queues.E001")
        for name in dir(settings)
        if name.startswith(PREFIX) and name not in known
    ]


@register()
def visibility_timeout(**_options: object) -> list[CheckMessage]:
    """A task must end, or be ended, at some time, and its lease must be renewed in time."""
    problems: list[CheckMessage] = []
    timeout = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 0)
    limit = getattr(settings, "CELERY_TASK_TIME_LIMIT", None)
    if timeout < MIN_VISIBILITY_TIMEOUT:
        problems.append(
            Error(
                f"the visibility timeout is {timeout} s, under {MIN_VISIBILITY_TIMEOUT} s",
                hint="A live worker renews its leases three times in that time.",
                id="queues.E002",
            )
        )
    if not limit:
        problems.append(
            Error(
                "CELERY_TASK_TIME_LIMIT is not set: a task that hangs keeps its messages for ever",
                id="queues.E003",
            )
        )
    elif limit > MAX_TIME_LIMIT:
        problems.append(
            Caution(
                f"CELERY_TASK_TIME_LIMIT is {limit} s: a hung task keeps its messages so long",
                hint=f"Leases of {timeout} s are renewed while it runs.",
                id="queues.W003",
            )
        )
    return problems


@register()
def routed(**_options: object) -> list[CheckMessage]:
    """Every task of a route exists, and every route has an instance that is configured."""
    problems: list[CheckMessage] = []
    autodiscover_modules("tasks")
    for route in routes().values():
        if route.instance not in settings.REDIS_INSTANCES:
            problems.append(
                Error(f"queue {route.queue}: no Redis instance {route.instance}", id="queues.E004")
            )
        if route.task not in current_app.tasks:
            problems.append(
                Error(f"queue {route.queue}: no consumer {route.task}", id="queues.E005")
            )
    return problems


@register()
def aliases(**_options: object) -> list[CheckMessage]:
    """Every alias names a queue and is no list of its own; others are not listened to."""
    return [
        Error(f"QUEUE_ALIASES {alias}={queue}: {fault}", id="queues.E010")
        for alias, queue in settings.QUEUE_ALIASES.items()
        if (fault := routes().alias_fault(alias, queue))
    ]


@register(deploy=True)
def redis_keeps(**_options: object) -> list[CheckMessage]:
    """Each Redis refuses writes when it is full, rather than drop messages, and logs to disk."""
    problems: list[CheckMessage] = []
    for instance in settings.REDIS_INSTANCES:
        try:
            problems += _redis_faults(instance)
        except redis.RedisError as error:
            problems.append(
                Info(
                    f"{instance}: not checked, {type(error).__name__}",
                    hint="Run the check where Redis can be reached.",
                    id="queues.I007",
                )
            )
    return problems


def _redis_faults(instance: str) -> Iterable[CheckMessage]:
    client = instances.client(instance)
    policy = client.config_get("maxmemory-policy").get("maxmemory-policy")
    if policy != "noeviction":
        yield Error(
            f"{instance}: maxmemory-policy is {policy}: a full Redis throws messages away",
            hint="CONFIG SET maxmemory-policy noeviction, and in its file.",
            id="queues.E007",
        )
    if client.config_get("appendonly").get("appendonly") != "yes":
        yield Error(
            f"{instance}: appendonly is off: a restart of Redis loses messages",
            hint="CONFIG SET appendonly yes, and in its file; appendfsync everysec.",
            id="queues.E008",
        )
    consumed = routes().consumed(instance)
    for source in lists.there(instance):
        if source.name not in consumed:
            yield Caution(
                f"{instance}: list {source.name} has no route: its messages wait there for ever",
                hint="Move them to a queue of the route table, or name the list in QUEUE_ALIASES.",
                id="queues.W009",
            )
    for name, count in lists.hands(instance).items():
        yield Info(
            f"{instance}: {count} messages are in hand of {name}",
            hint="Unless it is at work now, run it again: they are on no list.",
            id="queues.I011",
        )
