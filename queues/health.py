"""Whether all is there that messages need: the database, the Redis instances, their workers."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.conf import settings

from queues import heartbeats, instances, maintenance, probes
from queues.metrics.instance import workers
from queues.models import MaintenanceWindow
from queues.probes import Silent

OK = "ok"


def readiness() -> tuple[bool, Mapping[str, str]]:
    """Whether all is there, and a word on each dependency; within two seconds.

    A maintenance window is told of, and is no fault. The words name no host and no secret.
    """
    questions: dict[str, Callable[[], Any]] = {"database": maintenance.window}
    questions |= {name: partial(_seen, name) for name in settings.REDIS_INSTANCES}
    answers = probes.ask(questions)
    window = answers["database"]
    words = {"database": _word(window)}
    for name in settings.REDIS_INSTANCES:
        words[name] = _word(answers[name])
        words[f"workers of {name}"] = _workers(answers[name])
    ready = all(word == OK or word.endswith(" seen") for word in words.values())
    return ready, {**words, "maintenance": _maintenance(window)}


def _seen(instance: str) -> Mapping[str, float]:
    return heartbeats.seen(instances.hasty_client(instance), heartbeats.MAX_AGE)


def _word(answer: object) -> str:
    return f"no answer: {answer.reason}" if isinstance(answer, Silent) else OK


def _workers(seen: Mapping[str, float] | Silent) -> str:
    if isinstance(seen, Silent):
        return "not known"
    count = len(workers(seen))
    return f"{count} seen" if count else f"none in {heartbeats.MAX_AGE:g} s"


def _maintenance(window: MaintenanceWindow | Silent | None) -> str:
    if isinstance(window, Silent):
        return "not known"
    if window is None:
        return "no window"
    return (
        f"a window is open since {window.since:%Y-%m-%d %H:%M} UTC: {', '.join(window.instances)}"
    )
