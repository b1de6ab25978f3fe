"""The counters of sequences, and how far they are ahead of the numbers in use."""

import math
from collections.abc import Iterator, Mapping

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily, Metric

from queues import instances, sequences
from queues.sequences import SequenceState


def read() -> Mapping[str, SequenceState]:
    """Ask Redis and the database. Raises ``redis.RedisError``, ``django.db.Error``."""
    client = instances.hasty_client(settings.SEQUENCE_INSTANCE)
    return {name: sequences.state(name, client) for name in settings.SEQUENCES}


def families(reading: Mapping[str, SequenceState] | None) -> Iterator[Metric]:
    """All series; NaN when there was no answer."""
    counters = GaugeMetricFamily(
        "sequence_counter", "The last number handed out", labels=("sequence",)
    )
    ahead = GaugeMetricFamily(
        "sequence_ahead",
        "The counter minus the highest number in use; below 0 numbers are refused",
        labels=("sequence",),
    )
    for name in settings.SEQUENCES:
        state = reading[name] if reading else None
        counters.add_metric((name,), state.counter if state else math.nan)
        ahead.add_metric((name,), state.counter - state.highest if state else math.nan)
    yield from (counters, ahead)
