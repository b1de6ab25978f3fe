"""The Lua of the atomic steps in :mod:`queues.reserved`, which says what they do.

Each takes the keys of `reserved.KEYS` first, in their order.
"""

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

#: KEYS 5 the one of maintenance, 6.. the lists; ARGV: tag prefix, lease, room, bytes a group, bytes
#: a message, then a group size a list. LLEN of an empty list does nothing here but lets client-side
#: caching tell us when something is pushed on it. While the key of maintenance is there only lists
#: of answers (to `celery inspect`, say) are looked at.
RESERVE = (
    _COMMON
    + """
local prefix, lease, room = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local group_bytes, message_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local counts = redis.call('EXISTS', DELIVERIES) == 1
local held = redis.call('EXISTS', KEYS[5]) == 1
local groups, closed = {}, false
for k = 6, #KEYS do
  if #groups >= room then break end
  local queue, most = KEYS[k], tonumber(ARGV[k])
  local entry, bytes, deliveries = {queue, 0}, 0, 0
  local open = not held or string.sub(queue, -7) == '.pidbox'
  closed = closed or not open
  while open and #entry - 2 < most do
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
  elseif open then
    redis.call('LLEN', queue)
  end
end
if closed and #groups == 0 then return {{}} end
return groups
"""
)

SETTLE = (
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

RESTORE = _COMMON + "return restore(ARGV[1], ARGV[2] == '1')"

BEGIN = (
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

RENEW = (
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
SWEEP = (
    _COMMON
    + """
local uptime = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)') or '0'
if tonumber(uptime) < tonumber(ARGV[1]) then return 0 end
local tags = redis.call('ZRANGE', INDEX, now(), '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 100)
for _, tag in ipairs(tags) do restore(tag, true) end
return #tags
"""
)

ENTRY = (
    _COMMON
    + "local v = redis.call('HGET', RESERVED, ARGV[1]) return v and cmsgpack.unpack(v) or false"
)
