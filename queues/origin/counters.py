"""The counters of the instance's sequences, on each server and in the database."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from queues import sequences
from queues.origin.nodes import Survey


@dataclass(frozen=True)
class Counter:
    """What each server, and the database, knows of a sequence."""

    name: str
    target: int
    servers: Mapping[str, int]
    #: None if it knows nothing of the sequence.
    database: int | None
    #: How far others may have counted of whom none is here to be asked.
    margin: int

    @property
    def wanted(self) -> int:
        """What the target must be raised to: the greatest of all, and the margin.

        One more if that is the target's already but not all replicas': they hear of a change only.
        """
        wanted = max(*self.servers.values(), self.database or 0) + self.margin
        uneven = wanted == self.target and len({*self.servers.values()}) > 1
        return wanted + uneven

    @property
    def is_behind(self) -> bool:
        """Whether the target must be raised."""
        return self.target < self.wanted

    def __str__(self) -> str:
        told = ", ".join(f"{value} on {server}" for server, value in self.servers.items())
        known = "" if self.database is None else f", {self.database} in the database"
        return f"counter {self.name}: {told}{known}"


def read(found: Survey, instance: str) -> list[Counter]:
    """The counters of an instance. Raises ``RedisError`` and ``DatabaseError``.

    A server that does not answer may have handed out numbers that nobody else knows.
    """
    margin = sequences.MARGIN if found.away else 0
    counters = []
    for name in _names(found, instance):
        servers = {str(node): sequences.counter(node.client, name) for node in found.nodes}
        database = None
        if name in settings.SEQUENCES:
            state = sequences.state(name, found.target.client)
            database = max(state.highest, state.seen)
        counters.append(Counter(name, servers[str(found.target)], servers, database, margin))
    return counters


def _names(found: Survey, instance: str) -> list[str]:
    names = {*settings.SEQUENCES} if instance == settings.SEQUENCE_INSTANCE else set()
    prefix = sequences.key("")
    for node in found.nodes:
        keys = [key.decode() for key in node.client.scan_iter(f"{prefix}*", _type="string")]
        guards = {sequences.guard_key(key.removeprefix(prefix)) for key in keys}
        names |= {key.removeprefix(prefix) for key in keys if key not in guards}
    return sorted(names)
