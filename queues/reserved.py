"""What is taken off a list and not yet settled: the keys and the atomic steps on them.

Every step is one Lua script, so that at no instant a message is in nobody's hands: it stands on
its list, in `reserved`, or has become a dead letter. All functions take a plain Redis client.

Key map, in the database of the queues:

    <queue>           list    messages, verbatim; taken from the head, pushed at the tail
    reserved          hash    tag -> msgpack [queue, begun, message, message, ...], in list order
    reserved_index    zset    tag -> when its lease ends, unix seconds by the server's clock
    deliveries        hash    sha1(queue \\n message) -> how often a worker began with it, from 1
    deliveries_index  zset    the same field -> when it was last changed; REMEMBER seconds after
                              that both forget it

A tag names one delivery: a group of messages of one queue, or one message alone. A message with a
count in `deliveries` is a suspect: a worker died while it had it. Tags of suspects end in
`-suspect`.

The scripts work when memory is full (noeviction): the first write of each is one that frees, and
Redis lets a script that has written go on.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import redis

RESERVED = "reserved"
INDEX = "reserved_index"
DELIVERIES = "deliveries"
DELIVERIES_INDEX = "deliveries_index"
KEYS = (RESERVED, INDEX, DELIVERIES, DELIVERIES_INDEX)

SUSPECT = "-suspect"

#: Seconds for which a delivery count is kept after it last changed.
REMEMBER = 7 * 24 * 3600

#: What every script starts with. A Celery envelope holds `"properties"` and `"body"`; a raw
#: message that holds both too is merely taken alone.
_COMMON = """
local RESERVED, INDEX, DELIVERIES, DELIVERIES_INDEX = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1e6
end
local function field(queue, message) return redis.sha1hex(queue .. '\\n' .. message) end
local function envelope(message)
  return string.find(message, '"properties"', 1, true) and string.find(message, '"body"', 1, true)
end
local function take(tag)
  local value = redis.call('HGET', RESERVED, tag)
  redis.call('ZREM', INDEX, tag)
  if not value then return nil end
  redis.call('HDEL', RESERVED, tag)
  return cmsgpack.unpack(value)
end
local function restore(tag, counted)
  local entry = take(tag)
  if not entry then return 0 end
  local queue, begun = entry[1], entry[2]
  for i = #entry, 3, -1 do redis.call('LPUSH', queue, entry[i]) end
  if counted then
    local time = now()
    for i = 3, #entry do
      local f = field(queue, entry[i])
      -- Nobody begins an envelope by `begin`, so its restorations are counted instead.
      if envelope(entry[i]) then redis.call('HINCRBY', DELIVERIES, f, 1)
      else redis.call('HSETNX', DELIVERIES, f, 1) end
      redis.call('ZADD', DELIVERIES_INDEX, time, f)
    end
    local old = redis.call('ZRANGE', DELIVERIES_INDEX, '-inf', time - %(remember)d, 'BYSCORE',
                           'LIMIT', 0, 1000)
    for _, f in ipairs(old) do
      redis.call('HDEL', DELIVERIES, f)
      redis.call('ZREM', DELIVERIES_INDEX, f)
    end
  elseif begun > 0 then
    redis.call('HINCRBY', DELIVERIES, field(queue, entry[3]), -1)
  end
  return 1
end
""" % {"remember": REMEMBER}  # noqa: UP031  Lua is full of braces

#: KEYS 5.. the lists; ARGV: tag prefix, lease, room, bytes a group, bytes a message, then a group
#: size a list. LLEN of an empty list does nothing here but lets client-side caching tell us when
#: something is pushed on it.
RESERVE = (
    _COMMON
    + """
local prefix, lease, room = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local group_bytes, message_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local counts = redis.call('EXISTS', DELIVERIES) == 1
local groups = {}
for k = 5, #KEYS do
  if #groups >= room then break end
  local queue, most = KEYS[k], tonumber(ARGV[k + 1])
  local entry, bytes, deliveries = {queue, 0}, 0, 0
  while #entry - 2 < most do
    local message = redis.call('LPOP', queue)
    if not message then break end
    local count = 0
    if counts then count = tonumber(redis.call('HGET', DELIVERIES, field(queue, message)) or 0) end
    local alone = count > 0 or #message > message_bytes or envelope(message)
    if #entry > 2 and (alone or bytes + #message > group_bytes) then
      redis.call('LPUSH', queue, message)
      break
    end
    entry[#entry + 1], bytes, deliveries = message, bytes + #message, count
    if alone then break end
  end
  if #entry > 2 then
    local tag = string.format('%s%03d', prefix, #groups + 1)
    if deliveries > 0 then tag = tag .. '-suspect' end
    redis.call('HSET', RESERVED, tag, cmsgpack.pack(entry))
    redis.call('ZADD', INDEX, now() + lease, tag)
    local group = {tag, queue, deliveries}
    for i = 3, #entry do group[i + 1] = entry[i] end
    groups[#groups + 1] = group
  else
    redis.call('LLEN', queue)
  end
end
return groups
"""
)

_SETTLE = (
    _COMMON
    + """
local tag = ARGV[1]
if string.sub(tag, -8) == '-suspect' then
  local entry = take(tag)
  if not entry then return 0 end
  local f = field(entry[1], entry[3])
  redis.call('HDEL', DELIVERIES, f)
  redis.call('ZREM', DELIVERIES_INDEX, f)
else
  redis.call('ZREM', INDEX, tag)
  if redis.call('HDEL', RESERVED, tag) == 0 then return 0 end
end
for i = 2, #ARGV, 2 do redis.call('RPUSH', ARGV[i], ARGV[i + 1]) end
return 1
"""
)

_RESTORE = _COMMON + "return restore(ARGV[1], ARGV[2] == '1')"

_BEGIN = (
    _COMMON
    + """
local tag = ARGV[1]
local value = redis.call('HGET', RESERVED, tag)
if not value or string.sub(tag, -8) ~= '-suspect' then return 0 end
local entry = cmsgpack.unpack(value)
local f = field(entry[1], entry[3])
entry[2] = 1
redis.call('HDEL', RESERVED, tag)
redis.call('HSET', RESERVED, tag, cmsgpack.pack(entry))
redis.call('ZADD', DELIVERIES_INDEX, now(), f)
return redis.call('HINCRBY', DELIVERIES, f, 1)
"""
)

_RENEW = (
    _COMMON
    + """
local ends, renewed = now() + tonumber(ARGV[1]), 0
for i = 2, #ARGV do
  if redis.call('ZREM', INDEX, ARGV[i]) == 1 then
    redis.call('ZADD', INDEX, ends, ARGV[i])
    renewed = renewed + 1
  end
end
return renewed
"""
)

#: The latest first: each goes before what stands on the list by then, so the earliest ends up at
#: the head. A server that was away is no sign of dead workers: they get one lease to come back and
#: renew.
_SWEEP = (
    _COMMON
    + """
local uptime = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)') or '0'
if tonumber(uptime) < tonumber(ARGV[1]) then return 0 end
local tags = redis.call('ZRANGE', INDEX, now(), '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 100)
for _, tag in ipairs(tags) do restore(tag, true) end
return #tags
"""
)

_ENTRY = (
    _COMMON
    + "local v = redis.call('HGET', RESERVED, ARGV[1]) return v and cmsgpack.unpack(v) or false"
)


class Group(NamedTuple):
    """One delivery as RESERVE answers it."""

    tag: str
    queue: str
    deliveries: int
    messages: list[bytes]


def reserve_command(
    queues: Sequence[str],
    sizes: Mapping[str, int],
    *,
    prefix: str,
    lease: float,
    room: int,
    group_bytes: int,
    message_bytes: int,
) -> tuple[str | int | float, ...]:
    """The EVAL that reserves at most one group of each queue and `room` groups together, earlier
    queues first.

    `prefix` starts the tags and sorts them by time; `lease` in seconds.
    """
    limits = (prefix, lease, room, group_bytes, message_bytes)
    return (
        "EVAL",
        RESERVE,
        len(KEYS) + len(queues),
        *KEYS,
        *queues,
        *limits,
        *(sizes.get(q, 1) for q in queues),
    )


def groups(reply: Iterable[Sequence[bytes]]) -> list[Group]:
    """What the EVAL of `reserve_command` answered."""
    return [
        Group(tag.decode(), queue.decode(), int(deliveries), list(messages))
        for tag, queue, deliveries, *messages in reply
    ]


def _run(client: redis.Redis, script: str, *args: str | bytes | float) -> object:
    # register_script sends the digest, and the text only if the server does not know it.
    return client.register_script(script)(keys=KEYS, args=args)


def _number(client: redis.Redis, script: str, *args: str | bytes | float) -> int:
    return cast(int, _run(client, script, *args))


def begin(client: redis.Redis, tag: str) -> int:
    """Count that work on a suspect begins now; how often it has begun, this time included.

    0 for a delivery that is no suspect, or is not held any more: then there is nothing to count.
    """
    return _number(client, _BEGIN, tag)


def settle(client: redis.Redis, tag: str, dead_letters: Sequence[tuple[str, bytes]] = ()) -> bool:
    """End a delivery and push its dead letters (list, entry) in one step.

    False, and nothing is pushed, if it was not held any more: somebody else has the messages, or
    this was done before and only the answer was lost.
    """
    return _number(client, _SETTLE, tag, *(part for letter in dead_letters for part in letter)) == 1


def give_back(client: redis.Redis, tag: str) -> bool:
    """Put a delivery back to the head of its list, in order, as if it had never been taken.

    False if it was not held any more.
    """
    return _number(client, _RESTORE, tag, "0") == 1


def restore(client: redis.Redis, tag: str) -> bool:
    """As `give_back`, of what a worker died with: its messages are suspects from now on."""
    return _number(client, _RESTORE, tag, "1") == 1


def renew(client: redis.Redis, tags: Iterable[str], lease: float) -> int:
    """Let the leases of those of `tags` that are still held end `lease` seconds from now; how many
    are held.
    """
    return _number(client, _RENEW, lease, *tags)


def sweep(client: redis.Redis, lease: float) -> int:
    """Restore deliveries whose lease has ended, at most 100; how many.

    None while the server is up for less than `lease` seconds.
    """
    return _number(client, _SWEEP, lease)


def held(client: redis.Redis) -> int:
    """How many deliveries are reserved now."""
    return client.hlen(RESERVED)


def tags(client: redis.Redis) -> dict[str, float]:
    """All reserved deliveries, and when their leases end (unix seconds, the server's clock)."""
    index = cast(list[tuple[bytes, float]], client.zrange(INDEX, 0, -1, withscores=True))
    return {tag.decode(): ends for tag, ends in index}


def messages(client: redis.Redis, tag: str) -> tuple[str, list[bytes]] | None:
    """The queue and the messages of a delivery; None if it is not held any more."""
    entry = cast(list[bytes] | None, _run(client, _ENTRY, tag))
    return (entry[0].decode(), entry[2:]) if entry else None
