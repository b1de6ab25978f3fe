"""How a mover gets on, for ``--status``: what its places say now, and what it recorded."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from queues.mover import django_apps, pidfile, places
from queues.mover.config import Config
from queues.mover.interface import Away, NotRegistered
from queues.mover.moving import Mover

if TYPE_CHECKING:
    from queues.models import MoverState


def report(config: Config, mover: Mover) -> tuple[bool, list[tuple[str, str]]]:
    """Whether it runs and moves, and the facts: pairs of a name and a text."""
    django_apps.load()
    from queues.models import MoverState
    from queues.mover.state import is_running

    row, unknown = None, "never told"
    try:
        row = MoverState.objects.filter(job_name=config.job_name).first()
    except (DatabaseError, ImproperlyConfigured) as error:
        unknown = f"not known: {type(error).__name__}"
    if config.pidfile:
        pid = pidfile.running(config.pidfile)
    else:
        pid = row.pid if row is not None and is_running(row) else None
    source, target = places.ends(config)
    facts = [
        ("job", config.job_name),
        ("running", "no" if pid is None else f"yes, process {pid}"),
        ("source", source),
        ("target", target),
        ("consumer", config.consumer_name),
        ("position", _position(mover)),
        *_backlog(mover),
        *(_recorded(row) if row is not None else [("last batch", unknown)]),
    ]
    return pid is not None and not (row is not None and row.failing), facts


def _position(mover: Mover) -> str:
    try:
        return mover.target.position(mover.consumer) or "none yet"
    except (Away, NotRegistered) as error:
        return f"not known: {error}"


def _backlog(mover: Mover) -> list[tuple[str, str]]:
    try:
        backlog = mover.source.backlog()
    except (Away, NotRegistered) as error:
        return [("lag", f"not known: {error}")]
    events = "not known" if backlog.events is None else f"{backlog.events} events"
    return [("lag", f"{backlog.seconds:.1f} s"), ("backlog", events)]


def _recorded(row: "MoverState") -> list[tuple[str, str]]:
    """What the mover told of itself."""
    rate = row.events_per_second
    batch = f"{row.batch_events} events, {_time(row.moved_at)}" if row.moved_at else "none yet"
    error = f"{row.error}, {_time(row.error_at)}" if row.error_at else "none"
    return [
        ("rate", "not known" if rate is None else f"{rate:.1f} events a second"),
        ("last batch", batch),
        ("moved", f"{row.events_total} events"),
        ("set aside", f"{row.set_aside_total} events"),
        ("failing", "yes" if row.failing else "no"),
        ("last error", error),
        ("seen", _time(row.seen_at)),
    ]


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "never"
