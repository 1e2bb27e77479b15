import { createHash } from 'node:crypto'

/** A Lua script with its hash, by which Redis caches it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** Divisor of a room's history while the server is filling up. */
const FULL_SHARE = 16

/** Entries per XRANGE, for a page that may have space for fewer. */
const PIECE = 16

/** Size of several entries above which their notification does not contain them (bytes). */
const MAX_NOTIFICATION = 1_048_576

/**
 * The start of every script. All keys of a room are in one slot; an entry's id in the stream is its offset.
 *
 * KEYS: stream, meta, and the key that records when this data began (in a cluster meta again). ARGV: an epoch in case a
 * new one begins, history, historyMs, keepMs.
 *
 * The epoch is bound to the life of the server, and only the server itself can report that. A server that restarted,
 * was promoted or was resynchronised may have lost accepted entries, which no client would notice.
 */
const HEAD = `
local stream, meta, history, historyMs, keepMs = KEYS[1], KEYS[2], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, head, base, from, trimAt, sum, sumFrom, isTight

local function whole(number) return string.format('%.0f', number) end
local function at(entry) return tonumber(entry[2][4]) end
local function offset(entry) return tonumber(string.match(entry[1], '^%d+')) end

local function entryAt(wanted)
  local id = whole(wanted) .. '-0'
  return redis.call('XRANGE', stream, id, id)[1]
end

-- An unknown room may have been lost with an earlier life of the server, or by a flush.
local function bornAt(server, life)
  if KEYS[3] == meta then return now - tonumber(string.match(server, 'uptime_in_seconds:(%d+)')) * 1000 end
  local bornLife, born = string.match(redis.call('GET', KEYS[3]) or '', '(%x+) (%d+)')
  if bornLife == life then return tonumber(born) end
  redis.call('SET', KEYS[3], life .. ' ' .. whole(now))
  return now
end

local function open()
  local server = redis.call('INFO', 'server')
  local life = string.match(server, 'run_id:(%x+)') .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  local kept = redis.call('HMGET', meta, 'epoch', 'life', 'head', 'base', 'from', 'trimAt', 'sum', 'sumFrom', 'tight')
  epoch, head, base, from = kept[1], tonumber(kept[3]) or 0, tonumber(kept[4]) or 0, tonumber(kept[5]) or now
  trimAt, sum, sumFrom, isTight = tonumber(kept[6]) or 0, tonumber(kept[7]) or 0, tonumber(kept[8]) or 0, kept[9] == '1'
  if epoch and kept[2] == life then return end
  local born = bornAt(server, life)
  from = epoch and now or born
  epoch, base = ARGV[1], head
  redis.call('HSET', meta, 'epoch', epoch, 'life', life, 'head', whole(head), 'base', whole(base), 'from', whole(from))
  -- Deletes the rest of a lost room. On a full server a script may only delete after its first write, so this is not first.
  if not kept[1] then redis.call('DEL', stream) end
end

-- In a trimmed stream, the first entry is the last dropped one: it keeps their last offset, id and time.
local function mark()
  if head == 0 or redis.call('EXISTS', stream) == 1 then return end
  local last = redis.call('HMGET', meta, 'id', 'at', 'sum')
  redis.call('XADD', stream, whole(head) .. '-0', 'i', last[1], 't', last[2], 'o', '', 'b', last[3] or '0')
end

local function idAt(wanted)
  local entry = entryAt(wanted)
  if entry then return entry[2][2] end
  return wanted == head and redis.call('HGET', meta, 'id') or ''
end

-- Drops entries that are too old, except for the mark.
local function trim()
  if now < trimAt then return end
  -- Start with few: usually one entry is too old, and entries may be large.
  local page, old, count = nil, 0, 2
  repeat
    count = math.min(count * 2, 32)
    page, old = redis.call('XRANGE', stream, '-', '+', 'COUNT', count), 0
    for index, entry in ipairs(page) do
      if at(entry) < now - historyMs then old = index end
    end
    if old > 1 then redis.call('XTRIM', stream, 'MINID', page[old][1]) end
  until old < count
  trimAt = (page[old + 1] and at(page[old + 1]) or now) + historyMs
  redis.call('HSET', meta, 'trimAt', whole(trimAt))
end

local function sumAt(entry) return entry and tonumber(entry[2][8]) or 0 end

-- Drops the oldest entries until an eighth is free, so that this runs rarely. The newest entry always stays.
local function trimBytes(most)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  local from = sumAt(first)
  if sum - from > most then
    local lowest, highest = offset(first), head - 1
    while lowest < highest do
      local middle = math.floor((lowest + highest) / 2)
      from = sumAt(entryAt(middle))
      if sum - from > most * 7 / 8 then lowest = middle + 1 else highest = middle end
    end
    redis.call('XTRIM', stream, 'MINID', whole(highest) .. '-0')
    from = sumAt(entryAt(highest))
  end
  redis.call('HSET', meta, 'sumFrom', whole(from))
end

-- A server that is half full keeps fewer entries for a shorter time, before it has to refuse all writes. Few small
-- entries rarely check.
local function isFillingUp(size, count)
  if size < 1024 and head % 16 > 0 and head % 16 + count <= 16 then return isTight end
  local memory = redis.call('INFO', 'memory')
  local most = tonumber(string.match(memory, '[\\r\\n]maxmemory:(%d+)')) or 0
  local isNow = most > 0 and (tonumber(string.match(memory, 'used_memory:(%d+)')) or 0) > most / 2
  if isNow ~= isTight then redis.call('HSET', meta, 'tight', isNow and '1' or '0') end
  return isNow
end

-- Returns the offset after which every entry is kept: that of the mark, unless none was dropped.
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

function script(body: string): Script {
  const text = `${HEAD}\n${body}`
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/**
 * KEYS from 4: one for each id. ARGV from 5: channel, window, maximum bytes (0 for none), then for each sender the epoch
 * of its last signal (may be empty), the number of its entries, and their prefixes. Returns the epoch, and a character
 * for each id. 1: logged now. 0: known id. -: not logged, because the epoch is another one than the sender's.
 *
 * Each entry stores the bytes logged until then, so the size of a range is a difference.
 */
export const APPEND = script(`
local channel, window, most = ARGV[5], ARGV[6], tonumber(ARGV[7])
local keys, ids, prefixes, answers, isNew, size = {}, {}, {}, {}, {}, 0
open()
local mayBeKnown = redis.call('EXISTS', unpack(KEYS, 4)) > 0

local function isKnown(key)
  if isNew[key] then return true end
  -- A wait for replicas or disks covers this write, and so the one that logged the id.
  return mayBeKnown and redis.call('PEXPIRE', key, window) == 1
end

-- A signal must not overtake earlier ones that the sender has to send again.
local function answer(key, prefix, before)
  if isKnown(key) then return '0' end
  if before ~= '' and before ~= epoch then return '-' end
  -- The key of an id is the name of the stream with the id in place of its last word.
  local count = #keys + 1
  keys[count], ids[count], prefixes[count], isNew[key] = key, string.sub(key, #stream + 1), prefix, true
  size = size + #prefix
  return '1'
end

local function log()
  mark()
  local life = historyMs
  if most > 0 and isFillingUp(size, #keys) then most, life = most / ${FULL_SHARE}, math.ceil(historyMs / ${FULL_SHARE}) end
  for index, key in ipairs(keys) do
    sum = sum + #prefixes[index]
    redis.call('XADD', stream, whole(head + index) .. '-0', 'i', ids[index], 't', now, 'o', prefixes[index], 'b', sum)
    redis.call('SET', key, '', 'PX', window)
  end
  head = head + #keys
  redis.call('HSET', meta, 'head', whole(head), 'id', ids[#ids], 'at', whole(now), 'sum', whole(sum))
  redis.call('PEXPIRE', stream, life)
  redis.call('PEXPIRE', meta, keepMs)
  redis.call('XTRIM', stream, 'MAXLEN', '=', whole(history + 1))
  trim()
  if most > 0 and sum - sumFrom > most then trimBytes(most) end
  -- Receivers of a notification without its entries read the log.
  local text = size > ${MAX_NOTIFICATION} and #keys > 1 and '{' or table.concat(prefixes, '\\n')
  redis.call('PUBLISH', channel, epoch .. ' ' .. whole(head) .. ' ' .. whole(now) .. ' ' .. table.concat(ids, ',') .. ' ' .. text)
end

local key, arg = 4, 8
while arg < #ARGV do
  local before, count = ARGV[arg], tonumber(ARGV[arg + 1])
  for index = 1, count do
    answers[#answers + 1] = answer(KEYS[key], ARGV[arg + 1 + index], before)
    key = key + 1
  end
  arg = arg + 2 + count
end
if #keys > 0 then log() end
return {epoch, table.concat(answers)}
`)

/**
 * ARGV from 5: after (or "end"), limit, maximum bytes of a page. Returns epoch, base, floor, head, id at after, id at
 * floor, entries. A page of large entries is shorter than the limit, but has at least one entry if there is one. Redis
 * blocks all other commands while it builds a page, and the page blocks its connection.
 */
export const READ = script(`
open()
trim()
keepRoom()
local floor = floorOf()
local after = ARGV[5] == 'end' and head or tonumber(ARGV[5])
local entries = {}
local last, limit, room = math.max(after, floor), tonumber(ARGV[6]), tonumber(ARGV[7])
while last < head and #entries < limit and room > 0 do
  local count = math.min(limit - #entries, ${PIECE})
  local piece = redis.call('XRANGE', stream, whole(last + 1) .. '-0', '+', 'COUNT', count)
  for _, entry in ipairs(piece) do
    if room <= 0 then break end
    entries[#entries + 1] = entry
    last, room = offset(entry), room - #entry[2][6]
  end
  if #piece < count then break end
end
return {epoch, whole(base), whole(floor), whole(head), idAt(after), idAt(floor), entries}
`)

/** ARGV from 5: age. Returns the offset for the age, and the reason why entries of that age may be missing. */
export const FIND = script(`
open()
trim()
keepRoom()
local since, floor = now - tonumber(ARGV[5]), floorOf()
-- Entries have no gaps and ascending times, so a binary search reads few of them.
local lowest, after = floor, head
while lowest < after do
  local middle = math.ceil((lowest + after) / 2)
  local entry = entryAt(middle)
  if entry and at(entry) < since then lowest = middle else after = middle - 1 end
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

/** KEYS: the claim of an id. ARGV: digest, window. Returns 0 when the id was claimed with another digest. */
export const CLAIM: Script = { text: CLAIM_TEXT, sha: createHash('sha1').update(CLAIM_TEXT).digest('hex') }
