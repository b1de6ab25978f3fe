"""The Lua of the steps in :mod:`queues.batches`, which says what they do.

Each takes three keys of a passage: the hand, its state, the fence.
"""

# Lua passes at most some thousand arguments to a call.
_COMMON = """
local HAND, STATE, FENCE = KEYS[1], KEYS[2], KEYS[3]
local function push(queue, messages, first, last)
  for i = first, last, 1000 do
    redis.call('RPUSH', queue, unpack(messages, i, math.min(i + 999, last)))
  end
end
local function held()
  if redis.call('EXISTS', HAND) == 0 then return false end
  local reply = redis.call('HMGET', STATE, 'queue', 'epoch', 'number')
  for _, message in ipairs(redis.call('LRANGE', HAND, 0, -1)) do reply[#reply + 1] = message end
  return reply
end
local function hold(queue, epoch, messages)
  if #messages == 0 then return false end
  push(HAND, messages, 1, #messages)
  redis.call('HSETNX', STATE, 'epoch', epoch)
  redis.call('HINCRBY', STATE, 'number', 1)
  redis.call('HSET', STATE, 'queue', queue)
  return held()
end
local function in_hand(position)
  local state = redis.call('HMGET', STATE, 'epoch', 'number')
  return redis.call('EXISTS', HAND) == 1 and state[1] .. '.' .. state[2] == position
end
local function check(queue)
  local kind = redis.call('TYPE', queue).ok
  if kind ~= 'list' and kind ~= 'none' then error(queue .. ' is no list but a ' .. kind) end
end
local function give_back()
  local queue = redis.call('HGET', STATE, 'queue')
  check(queue)
  local count = redis.call('LLEN', HAND)
  for _ = 1, count do redis.call('LPUSH', queue, redis.call('RPOP', HAND)) end
  return count
end
"""

TAKE = (
    _COMMON
    + """
local in_hand = held()
if in_hand then return in_hand end
local queue, epoch, most, most_bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local messages, bytes = {}, 0
while #messages < most do
  local message = redis.call('LPOP', queue)
  if not message then break end
  if #messages > 0 and bytes + #message > most_bytes then
    redis.call('LPUSH', queue, message)
    break
  end
  messages[#messages + 1], bytes = message, bytes + #message
end
return hold(queue, epoch, messages)
"""
)

# What is picked is overwritten with a mark that nobody else has, and the marks go at once: a pass
# or two over the list, however many there are. The DEL of nothing is a write, after which Redis
# lets a script go on when memory is full.
PICK = (
    _COMMON
    + """
local in_hand = held()
if in_hand then return in_hand end
local queue, epoch, most, most_bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local mark, wanted, left = ARGV[5], {}, most
for i = 6, #ARGV do wanted[ARGV[i]] = (wanted[ARGV[i]] or 0) + 1 end
redis.call('DEL', HAND)
local messages, bytes, length = {}, 0, redis.call('LLEN', queue)
for first = 0, length - 1, 100 do
  if left == 0 then break end
  for i, message in ipairs(redis.call('LRANGE', queue, first, first + 99)) do
    if (wanted[message] or 0) > 0 then
      if #messages > 0 and bytes + #message > most_bytes then left = 0 break end
      wanted[message], left = wanted[message] - 1, left - 1
      messages[#messages + 1], bytes = message, bytes + #message
      redis.call('LSET', queue, first + i - 1, mark)
    end
  end
end
redis.call('LREM', queue, #messages, mark)
return hold(queue, epoch, messages)
"""
)

HELD = _COMMON + "return held()"

RELEASE = (
    _COMMON
    + """
if not in_hand(ARGV[1]) then return 0 end
return redis.call('UNLINK', HAND)
"""
)

GIVE_BACK = (
    _COMMON
    + """
if not in_hand(ARGV[1]) then return 0 end
give_back()
return 1
"""
)

FORGET = (
    _COMMON
    + """
local count = redis.call('EXISTS', HAND) == 1 and give_back() or 0
redis.call('DEL', STATE, FENCE)
return count
"""
)

# All keys are looked at before the first push: a script that ends in the middle is not undone.
PUT = (
    _COMMON
    + """
local previous, position, digest = ARGV[1], ARGV[2], ARGV[3]
local fence = redis.call('HMGET', FENCE, 'position', 'digest')
local stands = fence[1] or ''
if stands == position then return {fence[2] == digest and 'known' or 'differs', stands} end
if stands ~= previous then return {'elsewhere', stands} end
local runs, i = {}, 4
while i <= #ARGV do
  local run = {ARGV[i], i + 2, i + 1 + tonumber(ARGV[i + 1])}
  check(run[1])
  runs[#runs + 1], i = run, run[3] + 1
end
for _, run in ipairs(runs) do push(run[1], ARGV, run[2], run[3]) end
local time = redis.call('TIME')
redis.call('HSET', FENCE, 'position', position, 'digest', digest, 'time', time[1])
return {'put', position}
"""
)
