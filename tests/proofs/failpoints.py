"""Kills the worker that loads this, once, at a named step of the delivery contract.

FAILPOINT="before commit" FAILPOINT_MARKER=/tmp/file \\
    celery -A fundraising worker -I tests.proofs.failpoints

SIGKILL goes to the process group, the worker's main process and all its children: start it in a
group of its own. Once the marker file exists nothing is killed any more.
"""

import os
import signal
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from redis.client import Pipeline

from queues import channel, effects, inbox, outbox, reserved, unacked

QUEUE = "donations"


class Step(NamedTuple):
    """An instant: just before or after a call of a function that fulfils a condition."""

    owner: Any
    function: str
    is_after: bool
    condition: Callable[..., bool]


BEFORE, AFTER = False, True

# What a step is within: the process is at no other thing meanwhile.
_within: set[str] = set()


def _marks(queue: str) -> Callable[..., bool]:
    return lambda marks: any(mark.queue == queue for mark in marks)


def _acknowledges(queue: str) -> Callable[..., bool]:
    def condition(qos: unacked.Unacked, tag: str) -> bool:
        message = qos.get(tag)
        return message is not None and message.delivery_info["routing_key"] == queue

    return condition


def _reserved(_channel: channel.Channel, taken: list[Any]) -> bool:
    return any(group.queue == QUEUE for group in taken)


def _takes_effect(queue: str, *_: object) -> bool:
    return queue == QUEUE


def _hooks(database: BaseDatabaseWrapper) -> bool:
    return "effects" in _within and bool(database.run_on_commit)


def _relays(*_: object) -> bool:
    return "effects" in _within


def _pushes(*_: object, **__: object) -> bool:
    return "relay" in _within


def _sets_aside(_client: object, _tag: str, letters: Sequence[object] = ()) -> bool:
    return bool(letters)


STEPS = {
    "after reserve": Step(channel.Channel, "_hand_over", BEFORE, _reserved),
    "after parse": Step(effects, "apply", BEFORE, _takes_effect),
    "before commit": Step(inbox, "mark", AFTER, _marks(QUEUE)),
    "after commit": Step(BaseDatabaseWrapper, "run_and_clear_commit_hooks", BEFORE, _hooks),
    "before outbox relay": Step(outbox, "_relay", BEFORE, _relays),
    "after outbox push": Step(Pipeline, "execute", AFTER, _pushes),
    "after outbox relay": Step(outbox, "_relay", AFTER, _relays),
    "before ack": Step(unacked.Unacked, "ack", BEFORE, _acknowledges(QUEUE)),
    "after ack": Step(unacked.Unacked, "ack", AFTER, _acknowledges(QUEUE)),
    "before tracking commit": Step(inbox, "mark", AFTER, _marks("contribution-tracking")),
    "before tracking ack": Step(
        unacked.Unacked, "ack", BEFORE, _acknowledges("contribution-tracking")
    ),
}

#: Reached only by a group that has a message to set aside.
DAMAGED_STEPS = {
    "before dead letters": Step(reserved, "settle", BEFORE, _sets_aside),
    "after dead letters": Step(reserved, "settle", AFTER, _sets_aside),
    "before damaged commit": Step(inbox, "mark", AFTER, _marks("donations-damaged")),
    "before damaged ack": Step(unacked.Unacked, "ack", BEFORE, _acknowledges("donations-damaged")),
}


def _kill() -> None:
    try:
        os.close(os.open(os.environ["FAILPOINT_MARKER"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.killpg(0, signal.SIGKILL)


def _arm(step: Step) -> None:
    function = getattr(step.owner, step.function)

    @wraps(function)
    def armed(*args: Any, **kwargs: Any) -> Any:
        # After a call, what the condition looks at may be gone.
        is_here = step.condition(*args, **kwargs)
        if is_here and not step.is_after:
            _kill()
        result = function(*args, **kwargs)
        if is_here and step.is_after:
            _kill()
        return result

    setattr(step.owner, step.function, armed)


def _note(owner: Any, name: str, context: str, condition: Callable[..., bool]) -> None:
    """Let conditions know that the process is within a function."""
    function = getattr(owner, name)

    @wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        if not condition(*args, **kwargs):
            return function(*args, **kwargs)
        _within.add(context)
        try:
            return function(*args, **kwargs)
        finally:
            _within.discard(context)

    setattr(owner, name, noted)


if "FAILPOINT" in os.environ and not Path(os.environ["FAILPOINT_MARKER"]).exists():
    _note(effects, "apply", "effects", _takes_effect)
    _note(outbox, "_relay", "relay", _relays)
    _arm((STEPS | DAMAGED_STEPS)[os.environ["FAILPOINT"]])
