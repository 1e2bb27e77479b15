import { createHash } from 'node:crypto'

/** A Lua script and the name under which Redis keeps it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

function script(body: string): Script {
  const text = `${HEAD}\n${body}`
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/**
 * What every script begins with. All keys of a room are in one slot; an entry's id in the stream is its offset.
 *
 * KEYS: stream, meta, dedupe (or the meta again), and where there is only one slot: the mark of when this data began.
 * ARGV: an epoch to begin if one must, history, historyMs, keepMs.
 *
 * The epoch is bound to the life of the server, read here, where no other server can answer: a server that restarted, took
 * over or was resynchronised may have lost entries that were accepted, and nobody else would notice.
 */
const HEAD = `
local stream, meta, history, historyMs, keepMs = KEYS[1], KEYS[2], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, head, base, from, trimAt

local function whole(number) return string.format('%.0f', number) end
local function at(entry) return tonumber(entry[2][4]) end
local function offset(entry) return tonumber(string.match(entry[1], '^%d+')) end

local function entryAt(wanted)
  local id = whole(wanted) .. '-0'
  return redis.call('XRANGE', stream, id, id)[1]
end

-- A room that is not known may have been forgotten: with an earlier life of the server, or when all was flushed.
local function bornAt(server, life)
  if not KEYS[4] then return now - tonumber(string.match(server, 'uptime_in_seconds:(%d+)')) * 1000 end
  local bornLife, born = string.match(redis.call('GET', KEYS[4]) or '', '(%x+) (%d+)')
  if bornLife == life then return tonumber(born) end
  redis.call('SET', KEYS[4], life .. ' ' .. whole(now))
  return now
end

local function open()
  local server = redis.call('INFO', 'server')
  local life = string.match(server, 'run_id:(%x+)') .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  local kept = redis.call('HMGET', meta, 'epoch', 'life', 'head', 'base', 'from', 'trimAt')
  epoch, head, base, from = kept[1], tonumber(kept[3]) or 0, tonumber(kept[4]) or 0, tonumber(kept[5]) or now
  trimAt = tonumber(kept[6]) or 0
  if epoch and kept[2] == life then return end
  local born = bornAt(server, life)
  from = epoch and now or born
  epoch, base = ARGV[1], head
  redis.call('HSET', meta, 'epoch', epoch, 'life', life, 'head', whole(head), 'base', whole(base), 'from', whole(from))
  -- What is left of a room that was forgotten. A full server lets a script go on that has begun to write: this is not first.
  if not kept[1] then redis.call('DEL', stream) end
end

-- Where entries were dropped, the first that is there is the last of these: it tells their end, its id and its time.
local function mark()
  if head == 0 or redis.call('EXISTS', stream) == 1 then return end
  local last = redis.call('HMGET', meta, 'id', 'at')
  redis.call('XADD', stream, whole(head) .. '-0', 'i', last[1], 't', last[2], 'o', '')
end

local function idAt(wanted)
  local entry = entryAt(wanted)
  if entry then return entry[2][2] end
  return wanted == head and redis.call('HGET', meta, 'id') or ''
end

-- Drops what is too old, but for the mark.
local function trim()
  if now < trimAt then return end
  local page, old
  repeat
    page, old = redis.call('XRANGE', stream, '-', '+', 'COUNT', 32), 0
    for index, entry in ipairs(page) do
      if at(entry) < now - historyMs then old = index end
    end
    if old > 1 then redis.call('XTRIM', stream, 'MINID', page[old][1]) end
  until old < 32
  trimAt = (page[old + 1] and at(page[old + 1]) or now) + historyMs
  redis.call('HSET', meta, 'trimAt', whole(trimAt))
end

-- The offset after which everything is kept: that of the mark, unless all is kept.
local function floorOf()
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not first then return head end
  local floor = offset(first)
  if floor == 1 and first[2][6] ~= '' and at(first) >= now - historyMs then floor = 0 end
  return math.max(floor, head - history)
end

local function keepRoom()
  if redis.call('PTTL', meta) < keepMs / 2 then redis.call('PEXPIRE', meta, keepMs) end
end
`

/** ARGV from 5: id, opening, channel, window. Answers 1 when it is logged now, 0 when its id was known. */
export const APPEND = script(`
if redis.call('EXISTS', KEYS[3]) == 1 then
  -- Whoever waits for replicas or disks waits for this write, and so for the one that logged the id.
  redis.call('PEXPIRE', KEYS[3], ARGV[8])
  return 0
end
open()
mark()
local number = whole(head + 1)
redis.call('XADD', stream, 'MAXLEN', '=', whole(history + 1), number .. '-0', 'i', ARGV[5], 't', whole(now), 'o', ARGV[6])
redis.call('HSET', meta, 'head', number, 'id', ARGV[5], 'at', whole(now))
redis.call('SET', KEYS[3], '', 'PX', ARGV[8])
redis.call('PEXPIRE', stream, historyMs)
redis.call('PEXPIRE', meta, keepMs)
head = head + 1
trim()
redis.call('PUBLISH', ARGV[7], epoch .. ' ' .. number .. ' ' .. whole(now) .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
return 1
`)

/** ARGV from 5: after (or "end"), limit. Answers epoch, base, floor, head, id at after, id at floor, entries. */
export const READ = script(`
open()
trim()
keepRoom()
local floor = floorOf()
local after = ARGV[5] == 'end' and head or tonumber(ARGV[5])
local entries = {}
local start = math.max(after, floor)
if start < head then entries = redis.call('XRANGE', stream, whole(start + 1) .. '-0', '+', 'COUNT', ARGV[6]) end
return {epoch, whole(base), whole(floor), whole(head), idAt(after), idAt(floor), entries}
`)

/** ARGV from 5: age. Answers the offset that the age leads to, and why something of it may be missing. */
export const FIND = script(`
open()
trim()
keepRoom()
local since, floor, after, upTo = now - tonumber(ARGV[5]), floorOf(), head, '+'
while after > floor do
  local page = redis.call('XREVRANGE', stream, upTo, whole(floor + 1) .. '-0', 'COUNT', 64)
  local kept = 0
  for index, entry in ipairs(page) do
    if at(entry) < since then break end
    kept, after = index, offset(entry) - 1
  end
  if kept < 64 then break end
  upTo = whole(after) .. '-0'
end
local droppedAt = -1
if floor > 0 then
  local last = entryAt(floor)
  droppedAt = last and at(last) or tonumber(redis.call('HGET', meta, 'at')) or -1
end
if from > since then return {whole(after), 'epoch'} end
return {whole(after), droppedAt >= since and 'trimmed' or ''}
`)

const CLAIM_TEXT = `
local known = redis.call('GET', KEYS[1])
if known then return known == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

/** KEYS: the claim of an id. ARGV: digest, window. Answers 0 when the id was claimed with another digest. */
export const CLAIM: Script = { text: CLAIM_TEXT, sha: createHash('sha1').update(CLAIM_TEXT).digest('hex') }
