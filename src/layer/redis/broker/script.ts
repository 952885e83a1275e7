import { createHash } from 'node:crypto';
import type { ScriptName } from './broker.ts';

/**
 * The commands of the layer are scripts: what one of them reads and writes is one step for everybody else.
 *
 * A group has a hash of what is known of it: `e` epoch, `o` offset of its newest message, `r` run of the server that
 * the epoch began in, `b` offset at which the epoch began, `p` and `q` the epoch before and its last offset, `w` why
 * the epoch began (new, restart, trimmed, flushed), `c` bytes ever saved, `f` those before the oldest kept, `x` when
 * its keys were last given time. Beside it a stream with its messages, their ids being their offsets, and a sorted set
 * of keys.
 */
const common = `
local function num(n) return string.format('%.0f', n) end
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function begin(k, s, fresh, why, run)
  s.p = s.e
  s.q = s.o
  s.b = s.o
  s.e = fresh
  s.w = why
  redis.call('HSET', k, 'e', fresh, 'p', s.p, 'q', num(s.q), 'b', num(s.b), 'w', why)
  if run ~= '' then redis.call('HSET', k, 'r', run) end
end
local function opened(k, log, keys, run, fresh)
  local m = redis.call('HMGET', k, 'e', 'o', 'r', 'b', 'p', 'q', 'w', 'c', 'f', 'x')
  if not m[1] then
    redis.call('HSET', k, 'e', fresh, 'o', '0', 'r', run, 'b', '0', 'p', '', 'q', '0', 'w', 'new', 'c', '0', 'f', '0', 'x', '0')
    redis.call('DEL', log, keys)
    return { e = fresh, o = 0, b = 0, p = '', q = 0, w = 'new', c = 0, f = 0, x = 0 }
  end
  local s = {
    e = m[1], o = tonumber(m[2]), b = tonumber(m[4]), p = m[5], q = tonumber(m[6]), w = m[7],
    c = tonumber(m[8]), f = tonumber(m[9]), x = tonumber(m[10])
  }
  if run ~= '' and m[3] ~= run then
    begin(k, s, fresh, 'restart', run)
    redis.call('DEL', keys)
  end
  return s
end
local function oldest(log, s)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not first then return s.o + 1 end
  return tonumber(string.sub(first[1], 1, -3))
end
`;

/** KEYS: hash, stream, keys. ARGV 1–8: run, fresh epoch, life, count, bytes, channel, items, how many are saved; then of each: from, to, bytes, key. */
const append = `
local function add(s, at)
  local t = clock()
  local n = tonumber(ARGV[8])
  local key = ARGV[at + 3]
  if key ~= '' then
    local offset = tonumber(redis.call('ZSCORE', KEYS[3], key) or 0)
    if offset > 0 and offset >= oldest(KEYS[2], s) then return { s.e, num(offset), num(t), 0, 1 } end
  end
  local first = s.o + 1
  for i = 0, n - 1 do
    s.o = s.o + 1
    local item = string.sub(ARGV[7], tonumber(ARGV[at + i * 4]), tonumber(ARGV[at + i * 4 + 1]))
    redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[4], num(s.o) .. '-0', 'd', item, 'c', num(s.c), 't', num(t))
    s.c = s.c + tonumber(ARGV[at + i * 4 + 2])
  end
  local max = tonumber(ARGV[5])
  while s.c - s.f > max do
    local page = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 16)
    if #page == 0 then
      s.f = s.c
      break
    end
    local keep
    for _, entry in ipairs(page) do
      s.f = tonumber(entry[2][4])
      if s.c - s.f <= max then
        keep = entry[1]
        break
      end
    end
    redis.call('XTRIM', KEYS[2], 'MINID', '=', keep or (num(tonumber(string.sub(page[#page][1], 1, -3)) + 1) .. '-0'))
  end
  local life = tonumber(ARGV[3])
  if life > 0 and t - s.x > life / 8 then
    s.x = t
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    redis.call('PEXPIRE', KEYS[3], ARGV[3])
  end
  if key ~= '' then
    redis.call('ZADD', KEYS[3], num(first), key)
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. num(oldest(KEYS[2], s)))
    if life > 0 then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
  end
  redis.call('HSET', KEYS[1], 'o', num(s.o), 'c', num(s.c), 'f', num(s.f), 'x', num(s.x))
  local nodes = redis.call('PUBLISH', ARGV[6], '1M' .. s.e .. string.format('%016.0f%014.0f', first, t) .. ARGV[7])
  return { s.e, first, t, nodes, 0 }
end
`;

const publish = `${common}${append}
return add(opened(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]), 9)
`;

/** As publish, of one message whose first attempt had no answer. ARGV 9–11: epoch and offset known before it, its mark; then as publish. */
const again = `${common}${append}
local s = opened(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
local from = tonumber(ARGV[10])
if ARGV[9] == '' then
  if s.w == 'flushed' then return {} end
  from = s.b
elseif ARGV[9] ~= s.e then
  return {}
end
local upper = '+'
while true do
  local page = redis.call('XREVRANGE', KEYS[2], upper, '(' .. num(from) .. '-0', 'COUNT', 128)
  for _, entry in ipairs(page) do
    if string.sub(entry[2][2], 2, 19) == ARGV[11] then
      return { s.e, string.sub(entry[1], 1, -3), entry[2][6], 0, 2 }
    end
  end
  if #page < 128 then break end
  upper = '(' .. page[128][1]
end
if s.o > from and oldest(KEYS[2], s) > from + 1 then return {} end
return add(s, 12)
`;

/** KEYS: hash, stream, keys. ARGV: run, fresh, ttl, epoch, offset, limit, order, whether a gap begins an epoch, channel and id of a marker. */
const read = `${common}
local s = opened(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
local ttl = tonumber(ARGV[3])
if ttl >= 0 then
  local born = clock() - ttl
  while true do
    local page = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 64)
    local old = 0
    for _, entry in ipairs(page) do
      if tonumber(entry[2][6]) > born then break end
      old = old + 1
    end
    if old == 0 then break end
    redis.call('XTRIM', KEYS[2], 'MINID', '=', num(tonumber(string.sub(page[old][1], 1, -3)) + 1) .. '-0')
    if old < #page then break end
  end
end
local first = oldest(KEYS[2], s)
local offset = tonumber(ARGV[5])
if ARGV[8] == '1' and ARGV[4] == s.e then
  if offset > s.o then
    begin(KEYS[1], s, ARGV[2], 'restart', '')
  elseif offset + 1 < first then
    begin(KEYS[1], s, ARGV[2], 'trimmed', '')
  end
end
local from = first
if ARGV[4] == s.e and offset <= s.o then
  from = offset + 1
elseif ARGV[8] == '1' then
  if ARGV[4] == s.p and s.w == 'trimmed' then
    from = offset + 1
  else
    from = s.b + 1
  end
end
if from < first then from = first end
local entries = {}
local limit = tonumber(ARGV[6])
if limit ~= 0 and from <= s.o then
  if ARGV[7] == 'newest' and limit > 0 and s.o - from + 1 > limit then from = s.o - limit + 1 end
  if limit > 0 then
    entries = redis.call('XRANGE', KEYS[2], num(from) .. '-0', '+', 'COUNT', ARGV[6])
  else
    entries = redis.call('XRANGE', KEYS[2], num(from) .. '-0', '+')
  end
end
if ARGV[9] ~= '' then
  redis.call('PUBLISH', ARGV[9], '1C' .. s.e .. string.format('%016.0f', s.o) .. ARGV[10])
end
return { s.e, num(s.o), num(s.b), s.p, num(s.q), s.w, num(first), entries }
`;

/** ARGV: prefix, run, life, channel and id of a marker; then of each group: its name in keys, a fresh epoch. */
const check = `${common}
local found = {}
for i = 6, #ARGV, 2 do
  local k = ARGV[1] .. ':{' .. ARGV[i] .. '}:'
  local s = opened(k .. 'meta', k .. 'log', k .. 'keys', ARGV[2], ARGV[i + 1])
  if ARGV[3] ~= '0' then redis.call('PEXPIRE', k .. 'meta', ARGV[3]) end
  found[#found + 1] = s.e
  found[#found + 1] = num(s.o)
end
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], '1C' .. string.rep('-', 12) .. string.rep('0', 16) .. ARGV[5]) end
return found
`;

const membership = `
local function withdraw(group, node)
  local k = ARGV[1] .. ':{' .. group .. '}:'
  redis.call('DEL', k .. 'on:' .. node)
  redis.call('SREM', k .. 'nodes', node)
  redis.call('SREM', ARGV[1] .. ':on:{' .. node .. '}', group)
end
`;

/** ARGV: prefix, node; then of each step: what (add, drop, leave), group, channel, member. */
const roster = `${membership}
for i = 3, #ARGV, 4 do
  local group = ARGV[i + 1]
  local k = ARGV[1] .. ':{' .. group .. '}:'
  if ARGV[i] == 'add' then
    redis.call('HSET', k .. 'on:' .. ARGV[2], ARGV[i + 2], ARGV[i + 3])
    redis.call('SADD', k .. 'nodes', ARGV[2])
    redis.call('SADD', ARGV[1] .. ':on:{' .. ARGV[2] .. '}', group)
  elseif ARGV[i] == 'leave' then
    withdraw(group, ARGV[2])
  else
    redis.call('HDEL', k .. 'on:' .. ARGV[2], ARGV[i + 2])
    if redis.call('EXISTS', k .. 'on:' .. ARGV[2]) == 0 then withdraw(group, ARGV[2]) end
  end
end
return 1
`;

/** ARGV: prefix, node, lease, channel, probe. */
const lease = `${common}
local t = clock()
local nodes = ARGV[1] .. ':nodes'
local due = tonumber(redis.call('ZSCORE', nodes, ARGV[2]) or 0)
redis.call('ZADD', nodes, num(t + tonumber(ARGV[3])), ARGV[2])
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], '1P' .. ARGV[5]) end
return {
  num(t), due == 0 and 'none' or (due < t and 'lapsed' or 'live'),
  redis.call('SCARD', ARGV[1] .. ':on:{' .. ARGV[2] .. '}'),
  redis.call('ZRANGEBYSCORE', nodes, num(t), '+inf'),
  redis.call('ZRANGEBYSCORE', nodes, '-inf', '(' .. num(t), 'LIMIT', 0, 16)
}
`;

/** ARGV: prefix, node, whether it goes though its lease lives, how many groups. Answers how many are left. */
const sweep = `${common}${membership}
local due = tonumber(redis.call('ZSCORE', ARGV[1] .. ':nodes', ARGV[2]) or 0)
if ARGV[3] ~= '1' and due >= clock() then return 0 end
local groups = redis.call('SRANDMEMBER', ARGV[1] .. ':on:{' .. ARGV[2] .. '}', ARGV[4])
for _, group in ipairs(groups) do withdraw(group, ARGV[2]) end
local left = redis.call('SCARD', ARGV[1] .. ':on:{' .. ARGV[2] .. '}')
if left == 0 then redis.call('ZREM', ARGV[1] .. ':nodes', ARGV[2]) end
return left
`;

/** ARGV: prefix; then groups. Of each: node, its members, node, … */
const members = `${common}
local t = clock()
local found = {}
for i = 2, #ARGV do
  local k = ARGV[1] .. ':{' .. ARGV[i] .. '}:'
  local here = {}
  for _, node in ipairs(redis.call('SMEMBERS', k .. 'nodes')) do
    local due = tonumber(redis.call('ZSCORE', ARGV[1] .. ':nodes', node) or 0)
    if due >= t then
      here[#here + 1] = node
      here[#here + 1] = redis.call('HGETALL', k .. 'on:' .. node)
    end
  end
  found[#found + 1] = here
end
return found
`;

/** ARGV: prefix, node or nothing. The groups of that node; or of each node with a live lease. */
const groups = `${common}
if ARGV[2] then return redis.call('SMEMBERS', ARGV[1] .. ':on:{' .. ARGV[2] .. '}') end
local found = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', ARGV[1] .. ':nodes', num(clock()), '+inf')) do
  found[#found + 1] = redis.call('SMEMBERS', ARGV[1] .. ':on:{' .. node .. '}')
end
return found
`;

/** ARGV: prefix, node or * for all with a live lease, who asks, how long it may be obeyed, order. Of each node: name, reached. */
const order = `${common}
local t = clock()
local nodes = { ARGV[2] }
if ARGV[2] == '*' then nodes = redis.call('ZRANGEBYSCORE', ARGV[1] .. ':nodes', num(t), '+inf') end
local reached = {}
for _, node in ipairs(nodes) do
  if node ~= ARGV[3] then
    reached[#reached + 1] = node
    reached[#reached + 1] = redis.call(
      'PUBLISH', ARGV[1] .. ':node:' .. node, '1O' .. string.format('%014.0f', t + tonumber(ARGV[4])) .. ARGV[5]
    )
  end
end
return reached
`;

/** KEYS: hash, stream, keys. ARGV: run, fresh. */
const flush = `${common}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local s = opened(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
if s.o == s.b and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call(
  'HSET', KEYS[1], 'e', ARGV[2], 'p', s.e, 'q', num(s.o), 'o', '0', 'b', '0', 'w', 'flushed', 'c', '0', 'f', '0', 'x', '0'
)
redis.call('DEL', KEYS[2], KEYS[3])
return 1
`;

export interface Script {
  readonly text: string;
  readonly sha: string;
}

function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

export const scripts: Readonly<Record<ScriptName, Script>> = {
  publish: scriptOf(publish),
  again: scriptOf(again),
  read: scriptOf(read),
  check: scriptOf(check),
  roster: scriptOf(roster),
  lease: scriptOf(lease),
  sweep: scriptOf(sweep),
  members: scriptOf(members),
  groups: scriptOf(groups),
  order: scriptOf(order),
  flush: scriptOf(flush),
};
