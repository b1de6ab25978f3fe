"""The page that Prometheus reads: made when it is asked for, of what Redis and the database say.

It always has a series for each known queue, and comes within two seconds. Of a dependency that
gives no answer `up` is 0, gauges are NaN, and counters are left out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from queues import probes
from queues.metrics import counts, instance, mover, sequence, tables
from queues.probes import Silent

__all__ = ["Part", "page"]


@dataclass(frozen=True)
class Part:
    """A part of the page: what it asks, and what it makes of the answer, None if there is none.

    ``ask`` may raise ``redis.RedisError`` and ``django.db.Error``.
    """

    name: str
    ask: Callable[[], Any]
    families: Callable[[Any], Iterable[Metric]]


_OWN = (
    Part("tables", tables.read, tables.families),
    Part("sequences", sequence.read, sequence.families),
    Part("movers", mover.read, mover.families),
)


def page(namespace: str, *more: Part) -> bytes:
    """The text for Prometheus, with parts of the project's own; all names begin with its own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(namespace, (*_OWN, *more)))
    return generate_latest(registry)


class _Collector:
    def __init__(self, namespace: str, parts: Iterable[Part]) -> None:
        self._namespace = namespace
        self._parts = {part.name: part for part in parts}

    def describe(self) -> Iterable[Metric]:
        """Nothing: prometheus_client would collect to know."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Ask, and tell."""
        for family in self._families():
            family.name = f"{self._namespace}_{family.name}"
            family.samples = [
                one._replace(name=f"{self._namespace}_{one.name}") for one in family.samples
            ]
            yield family

    def _families(self) -> Iterator[Metric]:
        questions: dict[str, Callable[[], Any]] = {"database": probes.database}
        questions |= {name: part.ask for name, part in self._parts.items()}
        questions |= {name: partial(instance.read, name) for name in settings.REDIS_INSTANCES}
        said = probes.ask(questions)
        answers = {name: None if isinstance(one, Silent) else one for name, one in said.items()}
        up = not isinstance(said["database"], Silent)
        yield GaugeMetricFamily("database_up", "Whether the database answers", value=float(up))
        readings = {name: answers[name] for name in settings.REDIS_INSTANCES}
        yield from instance.families(readings)
        yield from counts.families({name: one.counts for name, one in readings.items() if one})
        for name, part in self._parts.items():
            yield from part.families(answers[name])
