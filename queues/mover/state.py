"""How movers get on, as they recorded it in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from queues.models import MoverState

# A mover tells of itself every 10 s at least.
SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True)
class Sample:
    """The figures of one mover. Ages are in seconds, None for what has not happened yet.

    ``lag`` is as old as ``seen_age`` says: of a mover that is gone it is what it saw last.
    """

    job_name: str
    running: bool
    failing: bool
    seen_age: float | None
    lag: float | None
    backlog: int | None
    events_total: int
    set_aside_total: int
    error_age: float | None
    moved_age: float | None


def samples() -> list[Sample]:
    """Of every mover that ever told of itself, by name."""
    now = timezone.now()
    return [
        Sample(
            job_name=row.job_name,
            running=is_running(row),
            failing=row.failing,
            seen_age=_age(now, row.seen_at),
            lag=row.lag_seconds,
            backlog=row.backlog_events,
            events_total=row.events_total,
            set_aside_total=row.set_aside_total,
            error_age=_age(now, row.error_at),
            moved_age=_age(now, row.moved_at),
        )
        for row in MoverState.objects.order_by("job_name")
    ]


def is_running(row: MoverState) -> bool:
    """Whether the mover told of itself just now."""
    if row.stopped_at is not None or row.seen_at is None:
        return False
    return timezone.now() - row.seen_at < SILENT_AFTER


def record(job_name: str, news: Mapping[str, object], *, events: int, set_aside: int) -> None:
    """Write what is new of a mover, and add what it moved. Raises ``DatabaseError``."""
    try:
        with transaction.atomic():
            row, _ = MoverState.objects.get_or_create(job_name=job_name)
            MoverState.objects.filter(pk=row.pk).update(
                **news,
                events_total=F("events_total") + events,
                set_aside_total=F("set_aside_total") + set_aside,
                seen_at=timezone.now(),
            )
    except BaseException:
        connection.close()  # the next one may find the database again
        raise


def _age(now: datetime, then: datetime | None) -> float | None:
    return None if then is None else (now - then).total_seconds()
