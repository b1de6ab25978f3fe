"""What consumers count, for all processes and machines together: a hash on each instance.

A field holds a whole number and is only ever added to; see :func:`of_delivery` for the names. The
counts tell rates and times; what became of each message is told by the database. A worker that
dies between the commit and the count has not counted.
"""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import redis
from django.conf import settings
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from queues.outcomes import Outcome
from queues.report import Ending
from queues.routes import Route, routes

log = logging.getLogger(__name__)

KEY = "counts"
OTHER = "other"
#: Upper bounds of the histograms, in seconds.
DURATIONS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
AGES = (1, 5, 15, 60, 300, 1800, 7200, 6 * 3600, 24 * 3600, 7 * 24 * 3600)

Labels = tuple[str, ...]
Bounds = tuple[float, ...]

_ADD = """
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
"""


def of_delivery(route: Route, endings: Iterable[Ending], seconds: float) -> Counter[str]:
    """What a delivery adds, by field:

    * ``duration|queue|outcome|bound``, messages by how long their delivery took, and
      ``duration_us|queue|outcome``, the sum of that in microseconds;
    * ``age|queue|bound`` and ``age_s|queue``, the same of the age at import, in seconds;
    * ``gateway|queue|gateway``, imported messages that name their payment processor.
    """
    added: Counter[str] = Counter()
    bound, microseconds = _bound(DURATIONS, seconds), round(seconds * 1e6)
    for ending in endings:
        labels = f"{route.queue}|{ending.outcome}"
        added[f"duration|{labels}|{bound}"] += 1
        added[f"duration_us|{labels}"] += microseconds
        if ending.outcome is not Outcome.DONE:
            continue
        if (age := ending.age) is not None:
            added[f"age|{route.queue}|{_bound(AGES, age)}"] += 1
            added[f"age_s|{route.queue}"] += round(age)
        if ending.item and (gateway := getattr(ending.item.message, "gateway", None)):
            known = gateway if gateway in settings.METRICS_GATEWAYS else OTHER
            added[f"gateway|{route.queue}|{known}"] += 1
    return added


def add(client: redis.Redis, added: Mapping[str, int]) -> None:
    """Add to the counts of an instance. If it cannot be told, they are lost, and nothing else."""
    pairs = [part for pair in added.items() for part in pair]
    try:
        client.register_script(_ADD)(keys=[KEY], args=pairs)
    except redis.RedisError as error:
        log.warning("not counted: %s", type(error).__name__)


def read(client: redis.Redis) -> dict[str, int]:
    """The counts of an instance. Raises ``redis.RedisError``."""
    counted = cast(dict[bytes, bytes], client.hgetall(KEY))
    return {field.decode(): int(count) for field, count in counted.items()}


def families(counted: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    """All series of all queues, by the counts of their instances; what was never counted is zero.

    The queues of an instance that is missing have none: a counter that falls to zero or NaN would
    count double, or nothing, where its rate is asked for.
    """
    messages = CounterMetricFamily(
        "messages", "Messages that came to their end", labels=("queue", "outcome")
    )
    durations = HistogramMetricFamily(
        "message_duration_seconds",
        "How long the delivery took in which a message came to its end",
        labels=("queue", "outcome"),
    )
    ages = HistogramMetricFamily(
        "message_age_seconds", "Age of messages when they were imported", labels=("queue",)
    )
    imported = CounterMetricFamily(
        "imported",
        "Messages imported, by the payment processor that they name",
        labels=("queue", "gateway"),
    )
    for route in routes().values():
        if (counts := counted.get(route.instance)) is None:
            continue
        for outcome in Outcome:
            labels = (route.queue, outcome.value)
            buckets = _buckets(counts, f"duration|{'|'.join(labels)}", DURATIONS)
            messages.add_metric(labels, buckets[-1][1])
            total = counts.get(f"duration_us|{'|'.join(labels)}", 0) / 1e6
            durations.add_metric(labels, buckets=buckets, sum_value=total)
        ages.add_metric(
            (route.queue,),
            buckets=_buckets(counts, f"age|{route.queue}", AGES),
            sum_value=counts.get(f"age_s|{route.queue}", 0),
        )
        if "gateway" in route.schema.model_fields:
            for gateway in (*settings.METRICS_GATEWAYS, OTHER):
                count = counts.get(f"gateway|{route.queue}|{gateway}", 0)
                imported.add_metric((route.queue, gateway), count)
    yield from (messages, durations, ages, imported)


def _bound(bounds: Bounds, value: float) -> str:
    """The name of the bucket that a value falls into."""
    place = bisect_left(bounds, value)
    return f"{bounds[place]:g}" if place < len(bounds) else "+Inf"


def _buckets(counts: Mapping[str, int], field: str, bounds: Bounds) -> list[tuple[str, float]]:
    """Cumulated, as Prometheus wants them; the last one is the number of all."""
    total, buckets = 0, []
    for bound in (*(f"{bound:g}" for bound in bounds), "+Inf"):
        total += counts.get(f"{field}|{bound}", 0)
        buckets.append((bound, float(total)))
    return buckets
