"""What the domain adds to the page for Prometheus."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from fundraising.pending.models import PendingTransaction
from queues.metrics import Part


@dataclass(frozen=True)
class _Reading:
    """Ages in seconds, 0 where there is no row."""

    unresolved: int
    oldest_unresolved: float
    oldest: float


def _ask() -> _Reading:
    now = timezone.now()
    rows = PendingTransaction.objects
    unresolved = rows.unresolved().aggregate(count=Count("pk"), oldest=Min("date"))
    oldest = rows.aggregate(oldest=Min("date"))["oldest"]
    return _Reading(unresolved["count"], _age(now, unresolved["oldest"]), _age(now, oldest))


def _age(now: datetime, then: datetime | None) -> float:
    return max((now - then).total_seconds(), 0.0) if then else 0.0


_GAUGES: tuple[tuple[str, str, Callable[[_Reading], float]], ...] = (
    (
        "unresolved",
        "Payments that were begun and of which nobody knows yet what became of them",
        attrgetter("unresolved"),
    ),
    (
        "unresolved_oldest_age_seconds",
        "Since the first of them began",
        attrgetter("oldest_unresolved"),
    ),
    (
        "oldest_age_seconds",
        "Age of the first row, which is deleted after KEEP_PENDING_DAYS",
        attrgetter("oldest"),
    ),
)


def _families(reading: _Reading | None) -> Iterator[Metric]:
    for name, text, value in _GAUGES:
        number = value(reading) if reading else math.nan
        yield GaugeMetricFamily(f"pending_{name}", text, value=number)


PENDING = Part("pending", _ask, _families)
