"""The effects of a group of messages: in one transaction, with their inbox marks."""

import traceback
from collections.abc import Callable, Sequence
from functools import wraps

import redis
from django.db import DatabaseError, IntegrityError, transaction
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from queues import database, inbox
from queues.messages import Schema
from queues.outcomes import Damaged, Drop, Park, SetAside
from queues.received import Received

Apply = Callable[[Sequence[Received[Schema]]], None]

# Retry soon: five tries over some three seconds.
_TRIES = 5
# After so many seconds without a database the messages go back to their list, so that a
# worker that is asked to stop can.
_PATIENCE = 10.0


class DatabaseGone(Exception):
    """The database does not answer: the messages stay where they are."""


def each(function: Callable[[Schema], None]) -> Apply[Schema]:
    """A function of a group from one of a message; a failing message takes no other along."""

    @wraps(function)
    def of_received(item: Received[Schema]) -> None:
        function(item.message)

    return each_received(of_received)


def each_received(function: Callable[[Received[Schema]], None]) -> Apply[Schema]:
    """The same for a function that wants to know the key of its message too."""

    @wraps(function)
    def apply_each(group: Sequence[Received[Schema]]) -> None:
        for item in group:
            try:
                with transaction.atomic():
                    function(item)
            except SetAside as reason:
                item.set_aside(reason)

    return apply_each


def apply(queue: str, function: Apply[Schema], group: Sequence[Received[Schema]]) -> None:
    """Bring each message of the group to its verdict.

    The group is tried as a whole first. If that raises, each message is tried alone, so
    that one bad message never takes others along. Raises :class:`DatabaseGone`.
    """
    fresh = _without_repeats(group)
    if not fresh:
        return
    if len(fresh) == 1 or not _succeeds(queue, function, fresh):
        for item in fresh:
            _apply_alone(queue, function, item)


def _without_repeats(group: Sequence[Received[Schema]]) -> list[Received[Schema]]:
    first: dict[str, Received[Schema]] = {}
    for item in group:
        earlier = first.setdefault(item.key, item)
        if earlier is not item:
            item.set_aside(_repeat(item, earlier.digest))
    return list(first.values())


def _repeat(item: Received[Schema], digest: str) -> SetAside:
    """A message whose key is known: the same bytes again, or a producer that reuses its ids."""
    if item.digest == digest:
        return Drop("DUPLICATE_MESSAGE", "had its effect before")
    return Damaged("MESSAGE_ID_REUSED", "another message with this id had its effect", "message_id")


def _succeeds(queue: str, function: Apply[Schema], group: Sequence[Received[Schema]]) -> bool:
    try:
        _persevere(queue, function, group)
    except DatabaseGone:
        raise
    except Exception:  # noqa: BLE001 (whatever it is, each message alone will show it)
        return False
    return True


def _apply_alone(queue: str, function: Apply[Schema], item: Received[Schema]) -> None:
    try:
        try:
            _persevere(queue, function, [item])
        except IntegrityError:
            # Another worker may have been first with this message: now it can be seen.
            _persevere(queue, function, [item])
    except DatabaseGone:
        raise
    except SetAside as reason:
        item.set_aside(reason)
    except IntegrityError as error:
        item.set_aside(Damaged("CONSTRAINT", database.describe(error)))
        item.trace = _frames(error)
    except DatabaseError as error:
        if database.is_passing(error):
            item.set_aside(Park("DATABASE_CONTENTION", database.describe(error)))
        else:
            item.set_aside(Damaged("DATABASE_ERROR", database.describe(error)))
        item.trace = _frames(error)
    except Exception as error:  # noqa: BLE001 (a bug: the message is kept for a person)
        item.set_aside(Damaged("UNEXPECTED", f"{type(error).__name__} in the consumer"))
        item.trace = _frames(error)


def _persevere(queue: str, function: Apply[Schema], group: Sequence[Received[Schema]]) -> None:
    """Once, again soon after what passes, and after a wait for a database that is away."""
    retrying = Retrying(
        retry=retry_if_exception(_passes),
        wait=wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.2),
        stop=stop_after_attempt(_TRIES),
        before_sleep=_wait_for_database,
        reraise=True,
    )
    try:
        retrying(_once, queue, function, group)
    except (DatabaseError, redis.RedisError) as error:
        if _is_away(error):
            raise DatabaseGone from error
        raise


def _passes(error: BaseException) -> bool:
    return _is_away(error) or (isinstance(error, DatabaseError) and database.is_passing(error))


def _is_away(error: BaseException) -> bool:
    """Redis counts too: a sequence is in it."""
    if isinstance(error, DatabaseError):
        return database.is_unavailable(error)
    return isinstance(error, redis.ConnectionError | redis.TimeoutError)


def _wait_for_database(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    away = isinstance(error, DatabaseError) and database.is_unavailable(error)
    if away and not database.wait(_PATIENCE):
        raise DatabaseGone from error


def _once(queue: str, function: Apply[Schema], group: Sequence[Received[Schema]]) -> None:
    for item in group:
        item.verdict = None
    with transaction.atomic():
        known = inbox.seen(queue, [item.key for item in group])
        fresh = []
        for item in group:
            if item.key in known:
                item.set_aside(_repeat(item, known[item.key]))
            else:
                fresh.append(item)
        if fresh:
            function(fresh)
        inbox.mark(
            [
                inbox.of(queue, item)
                for item in fresh
                if item.verdict is None or isinstance(item.verdict, Drop)
            ]
        )


def _frames(error: BaseException) -> str:
    """Where it went wrong: frames only, as messages of exceptions can hold values."""
    return f"{type(error).__name__}\n" + "".join(traceback.format_tb(error.__traceback__))
