"""What the tables of the message layer tell: the outbox, the damaged messages, the window."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from queues import maintenance
from queues.models import DamagedMessage, OutboxMessage
from queues.routes import routes

#: What is not settled: it needs a person, or waits for its retry.
STATUSES = (DamagedMessage.Status.DAMAGED, DamagedMessage.Status.WAITING)


@dataclass(frozen=True)
class Reading:
    """The tables at one moment. ``damaged`` by queue, status and code: how many, since when."""

    now: datetime
    outbox: Mapping[str, tuple[int, datetime]]
    damaged: Mapping[tuple[str, str, str], tuple[int, datetime]]
    window: bool


def read() -> Reading:
    """Ask the database. Raises ``django.db.Error``."""
    waiting = OutboxMessage.objects.order_by().values_list("queue")
    damaged = DamagedMessage.objects.filter(status__in=STATUSES).order_by()
    reasons = damaged.values_list("original_queue", "status", "code")
    return Reading(
        timezone.now(),
        {
            queue: (count, since)
            for queue, count, since in waiting.annotate(Count("pk"), Min("created_at"))
        },
        {
            (queue, status, code): (count, since)
            for queue, status, code, count, since in reasons.annotate(
                Count("pk"), Min("damaged_date")
            )
        },
        maintenance.window() is not None,
    )


def families(reading: Reading | None) -> Iterator[Metric]:
    """All series; NaN when the database gave no answer."""
    yield from _outbox(reading)
    yield from _damaged(reading)
    window = GaugeMetricFamily(
        "maintenance_window", "Whether a maintenance window is open, by the database"
    )
    window.add_metric((), float(reading.window) if reading else math.nan)
    yield window


def _outbox(reading: Reading | None) -> Iterator[Metric]:
    rows = GaugeMetricFamily(
        "outbox_messages", "Messages that wait to be pushed", labels=("queue",)
    )
    oldest = GaugeMetricFamily(
        "outbox_oldest_age_seconds", "Age of the first of them", labels=("queue",)
    )
    # A damaged queue is pushed on only by settling a delivery.
    for queue in routes():
        if reading is None:
            count, age = math.nan, math.nan
        else:
            count, since = reading.outbox.get(queue, (0, reading.now))
            age = (reading.now - since).total_seconds()
        rows.add_metric((queue,), count)
        oldest.add_metric((queue,), age)
    yield from (rows, oldest)


def _damaged(reading: Reading | None) -> Iterator[Metric]:
    rows = GaugeMetricFamily(
        "damaged_messages",
        "Damaged messages that need a person (damaged) or wait for their retry (waiting)",
        labels=("queue", "status"),
    )
    oldest = GaugeMetricFamily(
        "damaged_oldest_age_seconds",
        "Since the first of them failed last",
        labels=("queue", "status"),
    )
    reasons = GaugeMetricFamily(
        "damaged_reasons",
        "The same by reason, where there are any",
        labels=("queue", "status", "code"),
    )
    found = reading.damaged if reading else {}
    queues = dict.fromkeys([*routes(), *(queue for queue, _, _ in found)])
    for queue in queues:
        for status in STATUSES:
            mine = [row for key, row in found.items() if key[:2] == (queue, status)]
            count: float = sum(count for count, _ in mine)
            age = (
                max(((reading.now - since).total_seconds() for _, since in mine), default=0.0)
                if reading
                else math.nan
            )
            rows.add_metric((queue, status.value), count if reading else math.nan)
            oldest.add_metric((queue, status.value), age)
    for labels, (count, _) in found.items():
        reasons.add_metric(labels, count)
    yield from (rows, oldest, reasons)
