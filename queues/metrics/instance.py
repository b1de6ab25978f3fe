"""What an instance tells of itself: lists, what is reserved, replicas, who works on it."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from queues import heartbeats, instances, reserved
from queues.celery import PERIODIC_QUEUE
from queues.metrics import counts
from queues.routes import routes

#: Seconds for which a process that is not seen is still spoken of.
_REMEMBERED = 24 * 3600

#: KEYS: lists; for each its length and when its first message was pushed (of dead letters: set
#: aside), in unix seconds, or ''. What is in the message stays in Redis.
_WAITING = """
local found = {}
for i, list in ipairs(KEYS) do
  local length, since = redis.call('LLEN', list), ''
  local head = length > 0 and redis.call('LINDEX', list, 0)
  if head and #head <= 1048576 then
    since = string.match(head, '"damaged_at"%s*:%s*(%d+)')
      or string.match(head, '"source_enqueued_time"%s*:%s*"?(%d+)') or ''
  end
  found[i] = {length, since}
end
return found
"""

#: KEYS: reserved, its index; the seconds for which the first lease has been over, and for each
#: list how many deliveries and messages are reserved. An entry is a msgpack array: list, begun,
#: then the messages, of which only the number is looked at.
_RESERVED = """
local time, first = redis.call('TIME'), redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local late = first[2] and math.max(time[1] - first[2], 0) or 0
local lists, found = {}, {tostring(late)}
for _, tag in ipairs(redis.call('HKEYS', KEYS[1])) do
  local entry = redis.call('HGET', KEYS[1], tag)
  local kind, high, low = string.byte(entry, 1, 3)
  local size, start = kind - 0x90, 1
  if kind == 0xdc then size, start = high * 256 + low, 3 end
  local _, list = cmsgpack.unpack_one(entry, start)
  local sums = lists[list] or {0, 0}
  lists[list] = {sums[1] + 1, sums[2] + size - 2}
end
for list, sums in pairs(lists) do
  for _, part in ipairs({list, sums[1], sums[2]}) do found[#found + 1] = part end
end
return found
"""


@dataclass(frozen=True)
class Reading:
    """An instance at one moment; by queue where it says so, an alias counting to its queue."""

    depth: Mapping[str, int]
    oldest: Mapping[str, float]
    deliveries: Mapping[str, int]
    messages: Mapping[str, int]
    late: float
    replication: Mapping[str, Any]
    held: bool
    seen: Mapping[str, float]
    counts: Mapping[str, int]


_BY_QUEUE: tuple[tuple[str, str, Callable[[Reading], Mapping[str, float]]], ...] = (
    ("queue_depth", "Messages that wait on the lists of a queue", attrgetter("depth")),
    (
        "queue_oldest_age_seconds",
        "Age of the first message of a queue; NaN if it does not say when it was pushed",
        attrgetter("oldest"),
    ),
    ("reserved_deliveries", "Deliveries that workers hold", attrgetter("deliveries")),
    ("reserved_messages", "Messages that workers hold", attrgetter("messages")),
)
_WHOLE: tuple[tuple[str, str, Callable[[Reading], float]], ...] = (
    (
        "lease_overdue_seconds",
        "For how long the lease of a worker that is gone has been over without a sweep",
        attrgetter("late"),
    ),
    ("maintenance", "Whether a maintenance window holds the instance", attrgetter("held")),
    (
        "workers",
        f"Workers seen in the last {heartbeats.MAX_AGE:g} s",
        lambda reading: len(workers(reading.seen)),
    ),
    (
        "redis_is_master",
        "Whether the instance is a master",
        lambda reading: reading.replication["role"] == "master",
    ),
    (
        "replicas",
        "Replicas that are connected",
        lambda reading: reading.replication["connected_slaves"],
    ),
)


def known_queues(instance: str) -> list[str]:
    """All that have a depth: those of the route table, their damaged ones, and beat's."""
    return [*routes().queues(instance), PERIODIC_QUEUE]


def read(instance: str) -> Reading:
    """Ask an instance. Raises ``redis.RedisError``."""
    client = instances.hasty_client(instance)
    lists = [name for queue in known_queues(instance) for name in _lists(queue)]
    pipe = client.pipeline(transaction=False)
    pipe.time()
    pipe.eval(_WAITING, len(lists), *lists)
    pipe.eval(_RESERVED, 2, reserved.RESERVED, reserved.INDEX)
    pipe.info("replication")
    pipe.exists(reserved.MAINTENANCE)
    (now, _), waiting, held, replication, maintenance = pipe.execute()
    depth: dict[str, int] = {}
    oldest: dict[str, float] = {}
    for name, (length, since) in zip(lists, waiting, strict=True):
        queue = _queue(name)
        depth[queue] = depth.get(queue, 0) + length
        if length:
            age = max(now - int(since), 0.0) if since else math.nan
            oldest[queue] = _greatest(oldest.get(queue, math.nan), age)
    deliveries: dict[str, int] = {}
    messages: dict[str, int] = {}
    for name, groups, count in zip(held[1::3], held[2::3], held[3::3], strict=True):
        queue = _queue(name.decode())
        deliveries[queue] = deliveries.get(queue, 0) + groups
        messages[queue] = messages.get(queue, 0) + count
    return Reading(
        depth,
        oldest,
        deliveries,
        messages,
        late=float(held[0]),
        replication=replication,
        held=bool(maintenance),
        seen=heartbeats.seen(client, _REMEMBERED),
        counts=counts.read(client),
    )


def families(readings: Mapping[str, Reading | None]) -> Iterator[Metric]:
    """All series of all instances; those of one that is away are NaN, but for its being away."""
    yield _gauge(readings, "redis_up", "Whether the instance answers", lambda _: 1.0, away=0.0)
    for name, text, by_queue in _BY_QUEUE:
        family = GaugeMetricFamily(name, text, labels=("redis", "queue"))
        for instance, reading in readings.items():
            for queue in known_queues(instance):
                value = by_queue(reading).get(queue, 0) if reading else math.nan
                family.add_metric((instance, queue), value)
        yield family
    for name, text, value_of in _WHOLE:
        yield _gauge(readings, name, text, value_of)
    yield _beats(readings)
    yield from _replicas(readings)


def workers(seen: Mapping[str, float]) -> list[str]:
    """The workers among those whose last sign of life is known and recent."""
    beat = heartbeats.of_beat("")
    return [
        name
        for name, ago in seen.items()
        if not name.startswith(beat) and ago <= heartbeats.MAX_AGE
    ]


def _beats(readings: Mapping[str, Reading | None]) -> Metric:
    family = GaugeMetricFamily(
        "beat_age_seconds",
        "Since beat was last seen; +Inf if not for a day",
        labels=("redis",),
    )
    for instance, reading in readings.items():
        beat = heartbeats.of_beat(instance)
        family.add_metric((instance,), reading.seen.get(beat, math.inf) if reading else math.nan)
    return family


def _replicas(readings: Mapping[str, Reading | None]) -> Iterator[Metric]:
    labels = ("redis", "replica")
    online = GaugeMetricFamily("replica_online", "Whether it replicates", labels=labels)
    behind = GaugeMetricFamily(
        "replica_lag_bytes", "What it has yet to get of the stream", labels=labels
    )
    silent = GaugeMetricFamily(
        "replica_silent_seconds", "Since it last told of itself", labels=labels
    )
    for instance, reading in readings.items():
        replication = reading.replication if reading else {}
        for number in range(replication.get("connected_slaves", 0)):
            replica = replication[f"slave{number}"]
            names = (instance, f"{replica['ip']}:{replica['port']}")
            online.add_metric(names, float(replica["state"] == "online"))
            behind.add_metric(names, replication["master_repl_offset"] - replica["offset"])
            silent.add_metric(names, replica["lag"])
    yield from (online, behind, silent)


def _gauge(
    readings: Mapping[str, Reading | None],
    name: str,
    text: str,
    value: Callable[[Reading], float],
    away: float = math.nan,
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("redis",))
    for instance, reading in readings.items():
        family.add_metric((instance,), float(value(reading)) if reading else away)
    return family


def _lists(queue: str) -> list[str]:
    return [queue, *routes().aliases_of(queue)]


def _queue(name: str) -> str:
    return routes().aliases.get(name, name)


def _greatest(one: float, other: float) -> float:
    """NaN, for not known, only if nothing else is known."""
    return max((age for age in (one, other) if not math.isnan(age)), default=math.nan)
