"""Asking what we depend on, within a time: a dependency that hangs must not hang who asks."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import redis
from django import db

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Seconds for all answers together.
PATIENCE = 1.5


@dataclass(frozen=True)
class Silent:
    """There is no answer: why, in a word that names no host."""

    reason: str


def ask(
    questions: Mapping[str, Callable[[], T]], within: float = PATIENCE
) -> dict[str, T | Silent]:
    """Ask all at once; the answers that came within so many seconds, ``Silent`` for others.

    Each name has one thread: while an earlier question of the same name hangs, a new one is not
    asked, so that probes do not heap up. An error that is not the dependency's is raised.
    """
    asked = {
        name: _thread(name).submit(_answer, name, question) for name, question in questions.items()
    }
    wait(asked.values(), timeout=within)
    return {name: _in_time(name, future) for name, future in asked.items()}


def database() -> None:
    """Whether the database answers. Raises ``django.db.Error``."""
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def _thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=f"probe-{name}")


def _answer(name: str, question: Callable[[], T]) -> T | Silent:
    """With a database connection of its own: that one can be had is part of the answer."""
    try:
        return question()
    except (redis.RedisError, db.Error, OSError) as error:
        log.warning("%s does not answer: %s", name, type(error).__name__)
        return Silent(type(error).__name__)
    finally:
        db.connections.close_all()


def _in_time(name: str, future: Future[T | Silent]) -> T | Silent:
    if future.done():
        return future.result()
    future.cancel()
    log.warning("%s gives no answer in time", name)
    return Silent("no answer in time")
