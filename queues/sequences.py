"""Sequences that several systems take numbers from, kept in Redis, guarded by the database.

Redis may go back: a crash loses what was not written yet, a replica that takes over may lack the
last numbers. So each number that we take ourselves is compared with what the database knows to be
used, in the script that takes it, and written to the database in the transaction that uses it.
Where the script meets another server than it last did, or the same one after a restart or a
failover, it leaps by a margin first: numbers that others took last may be known to nobody.

Front ends that INCR the key themselves cannot be guarded; the margin is for them.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.module_loading import import_string

from queues import instances
from queues.models import SequenceGuard, SequenceNumber
from queues.outcomes import Park

log = logging.getLogger(__name__)

#: How far to leap over numbers that may be taken: at ten a second, those of a quarter of an hour.
MARGIN = 10_000
#: Lua's numbers are exact up to here.
LARGEST = 2**53 - 1
#: Rows of numbers guard against transactions that are not committed yet. None is open so long.
KEEP_NUMBERS = timedelta(hours=1)

_BEHIND, _LEAPT, _FINE = b"behind", b"leapt", b"fine"

#: KEYS: counter, guard. ARGV: highest used, greatest seen, margin, how many to take, whether to
#: repair. The guard is the server that was last found to be in order; a replica has it too, and is
#: another.
_CHECK = """
local used, seen, margin = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local counter, guard = tonumber(redis.call('GET', KEYS[1]) or '0'), redis.call('GET', KEYS[2])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local data = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
local server, outcome = run .. ':' .. data, 'fine'
if counter < used and ARGV[5] == '0' then
  return {'behind', string.format('%.0f', counter), server}
end
if counter < used or counter < seen or (guard ~= server and (guard or seen > 0)) then
  counter = math.max(counter, used, seen) + margin
  redis.call('SET', KEYS[1], string.format('%.0f', counter))
  outcome = 'leapt'
end
if guard ~= server then redis.call('SET', KEYS[2], server) end
if ARGV[4] ~= '0' then counter = redis.call('INCRBY', KEYS[1], ARGV[4]) end
return {outcome, string.format('%.0f', counter), server}
"""

_RAISE = """
local counter = redis.call('GET', KEYS[1])
if counter and tonumber(counter) >= tonumber(ARGV[1]) then return counter end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
"""


class SequenceBehind(Park):
    """Numbers are in use that the counter has yet to come to: none is handed out until repaired."""

    def __init__(self, name: str, counter: int, highest: int) -> None:
        super().__init__(
            "SEQUENCE_BEHIND",
            f"{name} is behind numbers that are in use: manage.py check_sequence --repair",
        )
        self.counter = counter
        self.highest = highest


@dataclass(frozen=True)
class SequenceState:
    """A counter, and what the database knows of it.

    ``highest`` is the highest number in use; ``seen`` the greatest that the counter is known to
    have been, which numbers that nobody has told us of yet may reach.
    """

    counter: int
    highest: int
    seen: int

    @property
    def behind(self) -> int:
        """By how much the highest number in use is above the counter; 0 if it is not."""
        return max(0, self.highest - self.counter)

    @property
    def least(self) -> int:
        """What the counter must at least be raised to, to be beyond all that is known."""
        return max(self.counter, self.highest, self.seen)


def key(name: str) -> str:
    """The Redis key of a sequence."""
    return f"sequence_{name}"


def guard_key(name: str) -> str:
    """The Redis key of the server on which the counter was last found to be in order."""
    return f"{key(name)}:server"


def next_id(name: str) -> int:
    """The next number of a sequence, such as ``contribution-tracking``, to be used in this
    transaction.

    Gaps are normal. Raises ``SequenceBehind`` if the counter has fallen behind numbers in use, and
    ``redis.ConnectionError`` or ``redis.TimeoutError`` when Redis gives none, for whatever reason.
    """
    client = instances.client(settings.SEQUENCE_INSTANCE)
    while True:
        # What is known must be read first: of what comes later others may have taken the next.
        state = _known(name)
        outcome, counter, _ = _check(client, name, state, take=1)
        if outcome == _BEHIND:
            log.error("sequence %s: at %d, but %d is in use", name, counter, state.highest)
            raise SequenceBehind(name, counter, state.highest)
        if _fence(name, counter):
            return counter


def state(name: str, client: redis.Redis | None = None) -> SequenceState:
    """Where a sequence stands, on a server other than its instance if a client of one is given.

    Raises ``redis.RedisError`` and ``DatabaseError``.
    """
    client = client or instances.client(settings.SEQUENCE_INSTANCE)
    known = _known(name)
    return SequenceState(counter(client, name), known.highest, known.seen)


def counter(client: redis.Redis, name: str) -> int:
    """The last number that a server has handed out; 0 if it has none. Raises ``RedisError``."""
    return int(cast(bytes | None, client.get(key(name))) or 0)


def used(name: str) -> Mapping[str, int]:
    """The highest number in use in each table that holds any, as the project's setting says.

    The numbers that we took ourselves are one of them.
    """
    highest: Mapping[str, int] = import_string(settings.SEQUENCES[name])()
    return {**highest, SequenceNumber._meta.label: _taken(name)}


def raise_to(client: redis.Redis, name: str, value: int) -> int:
    """Raise a counter, never lower it; what it is then. Raises ``ValueError`` and ``RedisError``.

    Safe against whoever raises it or takes numbers at the same time.
    """
    if not 0 <= value <= LARGEST:
        raise ValueError(f"a counter cannot be raised to {value}")
    return int(cast(bytes, client.register_script(_RAISE)(keys=[key(name)], args=[value])))


def check(name: str, *, repair: bool = False, margin: int = MARGIN) -> SequenceState:
    """Compare a counter with the database, remember it, and leap if it is on another server.

    Where numbers are in use that it has yet to come to, it is left alone but for ``repair``, which
    raises it above them by ``margin``. Raises ``redis.RedisError`` and ``DatabaseError``.
    """
    known = _known(name)
    client = instances.client(settings.SEQUENCE_INSTANCE)
    outcome, now, server = _check(client, name, known, repair=repair, margin=margin)
    checked = SequenceState(now, known.highest, max(known.seen, now))
    guard, _ = SequenceGuard.objects.get_or_create(name=name, defaults={"counter": now})
    if outcome == _BEHIND:
        # Said with all urgency once, not by every check.
        log.log(
            logging.WARNING if guard.behind else logging.CRITICAL,
            "sequence %s is at %d, but %d is in use: none is handed out until manage.py "
            "check_sequence --repair; who takes numbers from Redis directly gets used ones",
            *(name, now, known.highest),
        )
    elif outcome == _LEAPT:
        log.warning("sequence %s: raised to %d, on server %s", name, now, server)
    SequenceGuard.objects.filter(name=name).update(
        counter=Greatest("counter", now),
        server=server,
        behind=checked.behind,
        checked_at=timezone.now(),
    )
    old = SequenceNumber.objects.filter(name=name, taken_at__lt=timezone.now() - KEEP_NUMBERS)
    old.filter(number__lt=_taken(name)).delete()
    return checked


def _known(name: str) -> SequenceState:
    """What the database knows, before a server is asked."""
    numbers = used(name)
    seen = SequenceGuard.objects.filter(name=name).values_list("counter", flat=True).first() or 0
    return SequenceState(0, max(numbers.values()), max(seen, numbers[SequenceNumber._meta.label]))


def _taken(name: str) -> int:
    greatest: int | None = SequenceNumber.objects.filter(name=name).aggregate(
        greatest=Max("number")
    )["greatest"]
    return greatest or 0


def _check(
    client: redis.Redis,
    name: str,
    known: SequenceState,
    *,
    take: int = 0,
    repair: bool = False,
    margin: int = MARGIN,
) -> tuple[bytes, int, str]:
    """The outcome, the counter then, and the server."""
    script = client.register_script(_CHECK)
    arguments = [known.highest, known.seen, margin, take, int(repair)]
    try:
        answer = script(keys=[key(name), guard_key(name)], args=arguments)
    except redis.ResponseError as error:
        # Read-only after a failover, out of memory, no number: a message in hand waits for it.
        raise redis.ConnectionError(f"Redis gives no number of {name}: {error}") from error
    outcome, number, server = cast(list[bytes], answer)
    return outcome, int(number), server.decode()


def _fence(name: str, number: int) -> bool:
    """Write down that a number is taken; false if it is already, whoever took it.

    Waits for a transaction that has it and is not committed yet.
    """
    table = connection.ops.quote_name(SequenceNumber._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (name, number, taken_at) VALUES (%s, %s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            [name, number, timezone.now()],
        )
        return bool(cursor.rowcount)
