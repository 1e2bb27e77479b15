import { randomBytes } from 'node:crypto'
import { signalFrame } from '../frame.js'
import type { Entry, Follower, SignalLog, Tail } from './log.js'

export interface MemoryLogOptions {
  /** Entries kept per room. @default 1000 */
  readonly history?: number
  /** How long an entry is kept, in milliseconds. @default 600_000 */
  readonly historyMs?: number
  /** How long an id is remembered, in milliseconds. @default 900_000 */
  readonly window?: number
  /** Bytes kept in all rooms together, roughly. @default 67_108_864 */
  readonly maxTotal?: number
  /** Ids remembered in all rooms together. @default 1_000_000 */
  readonly maxIds?: number
  /** A clock that never jumps, in milliseconds. @default performance.now */
  readonly now?: () => number
  /** The wall clock that stamps signals, in epoch milliseconds. @default Date.now */
  readonly clock?: () => number
}

interface Kept extends Entry {
  readonly storedAt: number
  readonly bytes: number
}

interface RoomLog {
  readonly epoch: string
  readonly entries: Kept[]
  readonly followers: Set<Follower>
  /** What was said in this room before this moment may have been forgotten with an earlier epoch. */
  readonly certainFrom: number
  head: number
  floorId: string | undefined
  /** When the newest of the entries that were dropped had been stored. */
  droppedAt: number
  touchedAt: number
  bytes: number
}

/** Keeps the tail of every room in this process: nothing survives a restart, which begins new epochs. */
export function createMemoryLog({
  history = 1000,
  historyMs = 600_000,
  window = 900_000,
  maxTotal = 67_108_864,
  maxIds = 1_000_000,
  now = () => performance.now(),
  clock = () => Date.now(),
}: MemoryLogOptions = {}): SignalLog {
  // Both maps stand in the order of last use, so that the oldest is found at the front.
  const rooms = new Map<string, RoomLog>()
  const ids = new Map<string, { readonly seenAt: number; readonly digest: string | undefined }>()
  let total = 0
  let certainFrom = now()
  const sweeper = setInterval(sweep, SWEEP_EVERY)
  sweeper.unref()

  function roomNamed(name: string): RoomLog {
    const found = rooms.get(name)
    if (found) {
      trimByAge(found)
      return found
    }
    const room: RoomLog = {
      epoch: randomBytes(9).toString('base64url'),
      entries: [],
      followers: new Set(),
      certainFrom,
      head: 0,
      floorId: undefined,
      droppedAt: Number.NEGATIVE_INFINITY,
      touchedAt: now(),
      bytes: ROOM_BYTES,
    }
    total += ROOM_BYTES
    rooms.set(name, room)
    return room
  }

  function drop(room: RoomLog, count: number): void {
    const dropped = room.entries.splice(0, count)
    const last = dropped.at(-1)
    if (!last) return
    const bytes = dropped.reduce((sum, entry) => sum + entry.bytes, 0)
    room.bytes -= bytes
    total -= bytes
    room.floorId = last.id
    room.droppedAt = last.storedAt
  }

  function trimByAge(room: RoomLog): void {
    const oldest = now() - historyMs
    if ((room.entries[0]?.storedAt ?? oldest) >= oldest) return
    const firstKept = room.entries.findIndex((entry) => entry.storedAt >= oldest)
    drop(room, firstKept < 0 ? room.entries.length : firstKept)
  }

  function forget(name: string, room: RoomLog): void {
    rooms.delete(name)
    total -= room.bytes
    const newest = room.entries.at(-1)?.storedAt ?? room.droppedAt
    certainFrom = Math.max(certainFrom, newest)
    if (room.followers.size === 0) return
    // Followers stay with the name: they hear of the new epoch from its first entry.
    const successor = roomNamed(name)
    for (const follower of room.followers) successor.followers.add(follower)
  }

  function forgetOldIds(): void {
    const oldest = now() - window
    for (const [id, { seenAt }] of ids) {
      if (seenAt >= oldest && ids.size <= maxIds) return
      ids.delete(id)
    }
  }

  function sweep(): void {
    forgetOldIds()
    const idleSince = now() - Math.max(historyMs, window)
    for (const [name, room] of rooms) {
      trimByAge(room)
      if (room.followers.size === 0 && room.touchedAt < idleSince) forget(name, room)
    }
  }

  /** First the rooms that take most of the memory lose their oldest entries, then the longest unused rooms go whole. */
  function shrink(): void {
    const goal = maxTotal * 0.9
    while (total > goal) {
      const largest = [...rooms.values()].reduce((a, b) => (a.bytes > b.bytes ? a : b))
      if (largest.bytes < maxTotal / 16) break
      drop(largest, Math.ceil(largest.entries.length / 8))
    }
    // A copy, because a forgotten room that is followed is made anew at the end of the map.
    for (const [name, room] of Array.from(rooms)) {
      if (total <= goal) return
      forget(name, room)
    }
  }

  function logEntry(name: string, id: string, opening: string): void {
    const room = roomNamed(name)
    const frame = signalFrame(opening, room.head + 1, clock())
    const entry: Kept = { offset: room.head + 1, id, frame, storedAt: now(), bytes: frame.length + ENTRY_BYTES }
    room.head = entry.offset
    room.entries.push(entry)
    room.bytes += entry.bytes
    total += entry.bytes
    room.touchedAt = entry.storedAt
    rooms.delete(name)
    rooms.set(name, room)
    if (room.entries.length > history) drop(room, 1)
    for (const follower of room.followers) follower(room.epoch, entry)
    if (total > maxTotal) shrink()
  }

  return {
    health: 'ready',
    async open() {},

    async append({ room, id, opening, digest }) {
      forgetOldIds()
      const known = ids.get(id)
      if (known) return known.digest === digest ? 'known' : 'conflict'
      ids.set(id, { seenAt: now(), digest })
      logEntry(room, id, opening)
      return 'logged'
    },

    async read(name, asked, limit) {
      const room = roomNamed(name)
      // Rooms that are only looked at weigh something too.
      if (total > maxTotal) shrink()
      const { epoch, entries, head, floorId } = room
      const floor = head - entries.length
      const after = asked === 'end' ? head : asked
      const start = Math.max(after - floor, 0)
      const id = after === floor ? floorId : entries[after - floor - 1]?.id
      const tail: Tail = { epoch, base: 0, floor, head, entries: entries.slice(start, start + limit) }
      return { ...tail, ...(id !== undefined && { id }), ...(floorId !== undefined && { floorId }) }
    },

    async find(name, age) {
      const room = roomNamed(name)
      const since = now() - age
      const firstKept = room.entries.findIndex((entry) => entry.storedAt >= since)
      const after = firstKept < 0 ? room.head : room.head - room.entries.length + firstKept
      if (room.certainFrom > since) return { after, lost: 'epoch' }
      return room.droppedAt >= since ? { after, lost: 'trimmed' } : { after }
    },

    follow(name, follower) {
      roomNamed(name).followers.add(follower)
      return () => {
        // Looked up anew: the room may have been forgotten and made again meanwhile.
        const room = rooms.get(name)
        if (!room?.followers.delete(follower)) return
        room.touchedAt = now()
        rooms.delete(name)
        rooms.set(name, room)
      }
    },

    async close() {
      clearInterval(sweeper)
      rooms.clear()
      ids.clear()
    },
  }
}

const SWEEP_EVERY = 30_000

/** What an entry and a room weigh beside their frames: objects, ids, map slots. */
const ENTRY_BYTES = 200
const ROOM_BYTES = 1024
