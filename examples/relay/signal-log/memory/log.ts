import { randomBytes } from 'node:crypto'
import { signalFrame } from '../../output/frame.js'
import { createRetention } from '../retention.js'
import { createKnownIds } from './known-ids.js'
import type { Entry, Subscriber, SignalLog, LogPage } from '../log.js'

const SWEEP_EVERY = 30_000

/** Memory of an entry and a room besides their frames: objects, ids, map slots (bytes). */
const ENTRY_BYTES = 200
const ROOM_BYTES = 1024

export interface MemoryLogOptions {
  /** Entries kept per room. @default 1000 */
  readonly history?: number
  /** Maximum age of an entry (ms). @default 600_000 */
  readonly historyMs?: number
  /** Time for which an id is remembered (ms). @default 900_000 */
  readonly window?: number
  /** Approximate memory of all rooms and ids (bytes). @default 67_108_864 */
  readonly maxTotal?: number
  /** Called once, when memory is too small for all ids of the window. */
  readonly onShortWindow?: () => void
  /** Monotonic clock (ms). @default performance.now */
  readonly now?: () => number
  /** Wall clock for the time of signals (epoch ms). @default Date.now */
  readonly clock?: () => number
}

interface StoredEntry extends Entry {
  readonly storedAt: number
  readonly bytes: number
}

interface RoomLog {
  readonly name: string
  readonly epoch: string
  readonly entries: StoredEntry[]
  readonly subscribers: Set<Subscriber>
  /** Entries before this moment may have been lost with an earlier epoch. */
  readonly completeSince: number
  head: number
  floorId: string | undefined
  /** The append time of the newest dropped entry. */
  droppedAt: number
  touchedAt: number
  /** Memory of the entries (bytes). */
  bytes: number
}

/** Keeps the latest entries of every room in this process. A restart begins new epochs. */
export function createMemoryLog({
  history = 1000,
  historyMs = 600_000,
  window = 900_000,
  maxTotal = 67_108_864,
  onShortWindow,
  now = () => performance.now(),
  clock = () => Date.now(),
}: MemoryLogOptions = {}): SignalLog {
  const retentionOf = createRetention({ history, historyMs, historyBytes: maxTotal })
  const rooms = new Map<string, RoomLog>()
  const ids = createKnownIds(window, now)
  // Evictable rooms have entries or no subscribers; they are ordered by last use. An empty room with subscribers is in
  // neither set, because nothing of it can be freed.
  const evictable = new Set<RoomLog>()
  const large = new Set<RoomLog>()
  /** Memory of the rooms in `evictable` (bytes). */
  let totalBytes = 0
  let completeSince = now()
  let hasReported = false
  const sweeper = setInterval(sweep, SWEEP_EVERY)
  sweeper.unref()

  function getRoom(name: string): RoomLog {
    const found = rooms.get(name)
    if (found) {
      trimByAge(found)
      return found
    }
    const room: RoomLog = {
      name,
      epoch: randomBytes(9).toString('base64url'),
      entries: [],
      subscribers: new Set(),
      completeSince,
      head: 0,
      floorId: undefined,
      droppedAt: Number.NEGATIVE_INFINITY,
      touchedAt: now(),
      bytes: 0,
    }
    totalBytes += ROOM_BYTES
    rooms.set(name, room)
    evictable.add(room)
    return room
  }

  /** Marks a room as used now. */
  function touch(room: RoomLog): void {
    room.touchedAt = now()
    evictable.delete(room)
    evictable.add(room)
  }

  function addBytes(room: RoomLog, bytes: number): void {
    room.bytes += bytes
    totalBytes += bytes
    if (room.bytes >= maxTotal / 16) large.add(room)
    else large.delete(room)
  }

  function dropOldest(room: RoomLog, count: number): void {
    const dropped = room.entries.splice(0, count)
    const last = dropped.at(-1)
    if (!last) return
    addBytes(
      room,
      dropped.reduce((sum, entry) => sum - entry.bytes, 0),
    )
    room.floorId = last.id
    room.droppedAt = last.storedAt
    if (room.entries.length === 0 && room.subscribers.size > 0) evictable.delete(room)
  }

  function trimByAge(room: RoomLog): void {
    const oldest = now() - retentionOf(room.name).historyMs
    if ((room.entries[0]?.storedAt ?? oldest) >= oldest) return
    const firstKept = room.entries.findIndex((entry) => entry.storedAt >= oldest)
    dropOldest(room, firstKept < 0 ? room.entries.length : firstKept)
  }

  /** Evicts a room without subscribers. Rooms with subscribers keep their epoch. */
  function evict(room: RoomLog): void {
    const newest = room.entries.at(-1)?.storedAt ?? room.droppedAt
    completeSince = Math.max(completeSince, newest)
    addBytes(room, -room.bytes)
    totalBytes -= ROOM_BYTES
    evictable.delete(room)
    rooms.delete(room.name)
  }

  function sweep(): void {
    ids.evictExpired()
    for (const room of rooms.values()) {
      trimByAge(room)
      const idleSince = now() - Math.max(retentionOf(room.name).historyMs, window)
      if (room.subscribers.size === 0 && room.touchedAt < idleSince) evict(room)
    }
  }

  /** Frees memory, and stops when nothing is left to free. */
  function shrink(): void {
    while (totalBytes + ids.bytes > maxTotal && ids.bytes > maxTotal / 2) {
      ids.evictOldest()
      if (!hasReported) onShortWindow?.()
      hasReported = true
    }
    if (totalBytes + ids.bytes > maxTotal) shrinkRooms(maxTotal * 0.9 - ids.bytes)
  }

  function findLargest(): RoomLog | undefined {
    return [...large].toSorted((a, b) => b.bytes - a.bytes)[0]
  }

  /** Drops the oldest entries of the largest rooms first, then evicts the rooms that were unused the longest. */
  function shrinkRooms(goal: number): void {
    const isOver = (): boolean => totalBytes > goal
    for (let room = findLargest(); room && isOver(); room = findLargest()) {
      dropOldest(room, Math.ceil(room.entries.length / 8))
    }
    for (const room of evictable) {
      if (!isOver()) return
      if (room.subscribers.size === 0) evict(room)
      else dropOldest(room, room.entries.length)
    }
  }

  function logEntry(name: string, id: string, prefix: string): void {
    const room = getRoom(name)
    const frame = signalFrame(prefix, room.head + 1, clock())
    const entry: StoredEntry = { offset: room.head + 1, id, frame, storedAt: now(), bytes: frame.length + ENTRY_BYTES }
    room.head = entry.offset
    room.entries.push(entry)
    addBytes(room, entry.bytes)
    touch(room)
    if (room.entries.length > retentionOf(name).history) dropOldest(room, 1)
    for (const subscriber of room.subscribers) subscriber(room.epoch, entry)
    shrink()
  }

  function unsubscribe(room: RoomLog, subscriber: Subscriber): void {
    if (!room.subscribers.delete(subscriber) || room.subscribers.size > 0 || rooms.get(room.name) !== room) return
    totalBytes += ROOM_BYTES
    touch(room)
  }

  return {
    health: 'ready',
    async open() {},

    async append(entries) {
      return entries.map(({ room, id, prefix, digest }) => {
        const result = ids.add(id, digest)
        if (result === 'logged') logEntry(room, id, prefix)
        return result
      })
    },

    async read(name, asked, limit) {
      const room = getRoom(name)
      // A read may create a room, which needs memory too.
      shrink()
      const { epoch, entries, head, floorId } = room
      const floor = head - entries.length
      const after = asked === 'end' ? head : asked
      const start = Math.max(after - floor, 0)
      const id = after === floor ? floorId : entries[after - floor - 1]?.id
      const page: LogPage = { epoch, base: 0, floor, head, entries: entries.slice(start, start + limit) }
      return { ...page, ...(id !== undefined && { id }), ...(floorId !== undefined && { floorId }) }
    },

    async find(name, age) {
      const room = getRoom(name)
      const since = now() - age
      const firstKept = room.entries.findIndex((entry) => entry.storedAt >= since)
      const after = firstKept < 0 ? room.head : room.head - room.entries.length + firstKept
      if (room.completeSince > since) return { after, lost: 'epoch' }
      return room.droppedAt >= since ? { after, lost: 'trimmed' } : { after }
    },

    subscribe(name, subscriber) {
      const room = getRoom(name)
      if (room.subscribers.size === 0) {
        totalBytes -= ROOM_BYTES
        if (room.entries.length === 0) evictable.delete(room)
      }
      room.subscribers.add(subscriber)
      return () => unsubscribe(room, subscriber)
    },

    async close() {
      clearInterval(sweeper)
      rooms.clear()
      evictable.clear()
      large.clear()
      ids.clear()
    },
  }
}
