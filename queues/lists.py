"""The lists of messages, for who works on them by hand: which there are and what stands on them."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

import redis
from django.conf import settings

from queues import heartbeats, instances, legible, reserved
from queues.celery import PERIODIC_QUEUE
from queues.deadletter import SUFFIX
from queues.routes import routes

#: Messages read at once: of the largest that are accepted, 100 MiB.
PAGE = 100
#: Seconds after which Redis forgets a snapshot that nobody reads.
SCAN_KEPT = 3600

_HANDS = "moving:"
_KEPT = {*reserved.KEYS, reserved.MAINTENANCE, heartbeats.KEY, PERIODIC_QUEUE}
_KEPT_PREFIXES = (_HANDS, "moved:", "snapshot:", "sequence_", "unacked", "_kombu.")
_KEPT_SUFFIXES = (".pidbox",)


class Refused(Exception):
    """What was asked for is not done; the text says why. Nothing was changed."""


@dataclass(frozen=True)
class QueueList:
    """A list of an instance."""

    instance: str
    name: str

    def __str__(self) -> str:
        return f"{self.instance}/{self.name}"

    @property
    def client(self) -> redis.Redis:
        """Of its instance."""
        return instances.client(self.instance)

    @property
    def is_damaged(self) -> bool:
        """Whether dead letters stand on it."""
        return self.name.endswith(SUFFIX)

    def length(self) -> int:
        """How many messages stand on it. Raises :class:`Refused` if the key is no list."""
        try:
            return self.client.llen(self.name)
        except redis.ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            raise Refused(f"{self} is no list") from error

    def reserved(self) -> int:
        """How many of its messages workers have in hand."""
        found = (reserved.messages(self.client, tag) for tag in reserved.tags(self.client))
        return sum(len(group[1]) for group in found if group and group[0] == self.name)


def find(name: str, instance: str | None = None, *, any_list: bool = False) -> QueueList:
    """The list of a name: a queue of the route table, a damaged queue or an alias.

    ``any_list`` lets it be another, on an instance that is named. Raises :class:`Refused` for
    what is none, and always for what the transport or these tools keep.
    """
    if _is_kept(name):
        raise Refused(f"{name} is no list of messages: the transport keeps it")
    if instance is not None and instance not in settings.REDIS_INSTANCES:
        raise Refused(f"there is no instance {instance}")
    homes = [home for home in settings.REDIS_INSTANCES if name in routes().consumed(home)]
    if instance is None and homes:
        return QueueList(homes[0], name)
    if instance in homes or (any_list and instance is not None):
        return QueueList(instance, name)
    if any_list:
        raise Refused(f"{name} has no route: say on which instance it is")
    if homes:
        raise Refused(f"{name} is consumed on {homes[0]}, not on {instance} (--any-list)")
    known = [name for home in settings.REDIS_INSTANCES for name in routes().consumed(home)]
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Refused(f"{name} has no route: nobody consumes it (--any-list){hint}")


def there(instance: str) -> list[QueueList]:
    """All lists of messages of an instance: those of the route table, then others that exist."""
    consumed = routes().consumed(instance)
    keys = instances.client(instance).scan_iter(_type="list", count=1000)
    names = sorted({key.decode(errors="replace") for key in keys}.difference(consumed))
    others = [name for name in names if not _is_kept(name)]
    return [QueueList(instance, name) for name in (*consumed, *others)]


def hands(instance: str) -> dict[str, int]:
    """What is in hand of passages that did not end: how many messages, by the passage's name."""
    client = instances.client(instance)
    keys = sorted(client.scan_iter(f"{_HANDS}*", _type="list", count=1000))
    return {key.decode(errors="replace").removeprefix(_HANDS): client.llen(key) for key in keys}


def copy(source: QueueList, key: str, seconds: int) -> int:
    """Copy a list as it stands to a snapshot, kept so long after it was last read; its length.

    A snapshot that is there already is left as it is.
    """
    source.length()
    with source.client.pipeline() as transaction:
        transaction.copy(source.name, key)
        transaction.expire(key, seconds)
        transaction.llen(key)
        return cast(int, transaction.execute()[-1])


def pages(client: redis.Redis, key: str, first: int, length: int, seconds: int) -> Iterator[bytes]:
    """The messages of a snapshot from an index on.

    Raises :class:`Refused` if it is gone before its end.
    """
    while first < length:
        client.expire(key, seconds)
        page = cast(list[bytes], client.lrange(key, first, first + PAGE - 1))
        if not page:
            raise Refused(f"{key} is gone: the server was emptied, or this was paused for too long")
        yield from page
        first += len(page)


@contextmanager
def snapshot(source: QueueList) -> Iterator[Iterator[bytes]]:
    """The messages that stand on a list now, whatever happens to it meanwhile."""
    key = f"snapshot:{secrets.token_hex(8)}"
    try:
        length = copy(source, key, SCAN_KEPT)
        yield pages(source.client, key, 0, length, SCAN_KEPT)
    finally:
        source.client.unlink(key)


def count(source: QueueList, where: Mapping[str, str]) -> int:
    """How many messages that stand on a list now fit."""
    if not where:
        return source.length()
    with snapshot(source) as messages:
        return sum(legible.fits(message, where) for message in messages)


def _is_kept(name: str) -> bool:
    """Whether a key belongs to the transport or to these tools."""
    return name in _KEPT or name.startswith(_KEPT_PREFIXES) or name.endswith(_KEPT_SUFFIXES)
