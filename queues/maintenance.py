"""Maintenance windows: consumption stops on all workers, and nobody enqueues by hand.

The state stands twice. A row (:class:`queues.models.MaintenanceWindow`) says who stopped what and
why, and locks the admin and webhooks. The key ``maintenance`` on each Redis instance makes the
script that reserves messages hand out none, and beat send none. The row decides: a worker that
connects sets a key that is missing, and removes one that a window left behind (:func:`agree`).

Workers are not told anything, so the end of a window leaves nothing to restore: who had cancelled
a consumer finds it cancelled.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar, cast

import redis
from django.conf import settings
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from queues import instances, reserved
from queues.models import MaintenanceWindow

log = logging.getLogger(__name__)

# One of a former window is never put over, or removed for, one of the present.
_HOLD = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end
"""
_RELEASE = """
local window = tonumber(redis.call('HGET', KEYS[1], 'window')) or 0
if window == tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
"""

View = TypeVar("View", bound=Callable[..., Any])


class Refused(Exception):
    """A window cannot be begun or ended now; the text says why. Nothing was changed."""


class Held(NamedTuple):
    """What the key of an instance says: since when (ISO 8601), by whom, why, by which window.

    One that somebody has set by hand may say anything, and holds no less; its window is 0.
    """

    since: str
    by: str
    reason: str
    window: int


def window() -> MaintenanceWindow | None:
    """The window that is open, by the database."""
    return MaintenanceWindow.objects.filter(until=None).first()


def held(client: redis.Redis) -> Held | None:
    """Whether an instance hands out nothing, by its key. Raises ``redis.RedisError``."""
    fields = cast(dict[bytes, bytes], client.hgetall(reserved.MAINTENANCE))
    if not fields:
        return None
    text = {name.decode(): value.decode() for name, value in fields.items()}
    known = text.get("window", "")
    number = int(known) if known.isdecimal() else 0
    return Held(text.get("since", ""), text.get("by", ""), text.get("reason", ""), number)


def drained(client: redis.Redis) -> bool:
    """Whether workers hold nothing of an instance. While it is held, that stays so.

    Raises ``redis.RedisError``.
    """
    return reserved.held(client) == 0


def begin(*, reason: str, by: str, names: Sequence[str] = ()) -> MaintenanceWindow:
    """Open a window of these instances (all, if none is named) and hold them; again, go on with it.

    An instance that does not answer is held by the first worker that can connect to it. Raises
    :class:`Refused` while a window of other instances is open.
    """
    wanted = sorted(names or settings.REDIS_INSTANCES)
    opened = window()
    if opened is None:
        try:
            with transaction.atomic():
                opened = MaintenanceWindow.objects.create(instances=wanted, reason=reason, by=by)
        except IntegrityError:  # somebody was faster
            opened = MaintenanceWindow.objects.get(until=None)
    if opened.instances != wanted:
        raise Refused(f"a window of {', '.join(opened.instances)} is open: end that one first")
    for name in opened.instances:
        try:
            agree(name)
        except redis.RedisError as error:
            log.warning("maintenance: %s is not held yet: %s", name, type(error).__name__)
    return opened


def end(*, by: str) -> MaintenanceWindow | None:
    """Close the open window and release what it held; also what is held without a window.

    Returns the window. Raises :class:`Refused` when an instance does not answer, ``RedisError``
    when one stops to answer meanwhile: then run it again.
    """
    opened = window()
    clients = {
        name: instances.client(name)
        for name in (opened.instances if opened else settings.REDIS_INSTANCES)
    }
    for name, client in clients.items():
        try:
            client.ping()
        except redis.RedisError as error:
            raise Refused(f"{name} does not answer ({type(error).__name__})") from error
    # The row first: whoever sets a key looks at the row again afterwards (`agree`).
    if opened is not None:
        opened.until, opened.ended_by = timezone.now(), by
        opened.save(update_fields=["until", "ended_by"])
    for client in clients.values():
        known = held(client)
        if known is not None and not _rows(known.window).filter(until=None).exists():
            _release(client, known.window)
    return opened


def note_drained(opened: MaintenanceWindow) -> None:
    """Keep when workers had finished what they had, the first time."""
    _rows(opened.pk).filter(until=None, drained_at=None).update(drained_at=timezone.now())


def agree(name: str) -> None:
    """Let the key of an instance be as the row says; a worker does so when it connects.

    The key may be lost, as it was written in the second before its Redis was killed, or left
    behind, as `end` was killed. Raises ``redis.RedisError``, ``DatabaseError``.
    """
    client = instances.client(name)
    known = held(client)
    if known is not None and _is_closed(known.window):
        _release(client, known.window)
    opened = window()
    if opened is not None and name in opened.instances:
        _hold(client, opened)
        if _is_closed(opened.pk):  # meanwhile, and perhaps before there was a key to remove
            agree(name)


def demand_no_window() -> None:
    """For commands that charge, resolve, push or send. Raises ``CommandError`` in a window."""
    opened = window()
    if opened is not None:
        raise CommandError(
            f"a maintenance window is open since {opened.since:%Y-%m-%d %H:%M} UTC, "
            f"by {opened.by}: {opened.reason}"
        )


def exempt(view: View) -> View:
    """A view that goes on in a window: it enqueues nothing but rows of the outbox, or nothing."""
    view.maintenance_exempt = True  # type: ignore[attr-defined]  # as csrf_exempt does
    return view


def _hold(client: redis.Redis, opened: MaintenanceWindow) -> None:
    fields = {
        "since": opened.since.isoformat(),
        "by": opened.by,
        "reason": opened.reason,
        "window": str(opened.pk),
    }
    words = list(chain.from_iterable(fields.items()))
    client.register_script(_HOLD)(keys=[reserved.MAINTENANCE], args=words)


def _release(client: redis.Redis, pk: int) -> None:
    client.register_script(_RELEASE)(keys=[reserved.MAINTENANCE], args=[pk])


def _rows(pk: int) -> QuerySet[MaintenanceWindow]:
    return MaintenanceWindow.objects.filter(pk=pk)


def _is_closed(pk: int) -> bool:
    return _rows(pk).filter(until__isnull=False).exists()
