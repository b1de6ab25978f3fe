"""Queue movers, as they told of themselves."""

import math
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from queues.mover.state import Sample, samples

_GAUGES: tuple[tuple[str, str, Callable[[Sample], float | None]], ...] = (
    ("running", "Whether the mover told of itself just now", attrgetter("running")),
    ("failing", "Whether its last batch failed", attrgetter("failing")),
    ("lag_seconds", "Age of the oldest event that is not moved", attrgetter("lag")),
    ("backlog_events", "Events that are not moved, where it can be told", attrgetter("backlog")),
    ("moved_age_seconds", "Since its last batch", attrgetter("moved_age")),
)
_COUNTERS: tuple[tuple[str, str, Callable[[Sample], float]], ...] = (
    ("events", "Events moved", attrgetter("events_total")),
    ("set_aside", "Events set aside for a person", attrgetter("set_aside_total")),
)


def read() -> Sequence[Sample]:
    """Ask the database. Raises ``django.db.Error``."""
    return samples()


def families(reading: Sequence[Sample] | None) -> Iterator[Metric]:
    """A series for each mover that ever ran; none when there was no answer."""
    for name, text, value in _GAUGES:
        family = GaugeMetricFamily(f"mover_{name}", text, labels=("job",))
        for sample in reading or ():
            number = value(sample)
            family.add_metric((sample.job_name,), math.nan if number is None else float(number))
        yield family
    for name, text, total in _COUNTERS:
        counter = CounterMetricFamily(f"mover_{name}", text, labels=("job",))
        for sample in reading or ():
            counter.add_metric((sample.job_name,), total(sample))
        yield counter
