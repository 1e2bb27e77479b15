import { randomBytes } from 'node:crypto'
import { signalFrame } from '../../output/frame.js'
import { createKeeping } from '../retention.js'
import { createKnownIds } from './known-ids.js'
import type { Entry, Follower, SignalLog, Tail } from '../log.js'

export interface MemoryLogOptions {
  /** Entries kept per room. @default 1000 */
  readonly history?: number
  /** How long an entry is kept, in milliseconds. @default 600_000 */
  readonly historyMs?: number
  /** How long an id is remembered, in milliseconds. @default 900_000 */
  readonly window?: number
  /** Bytes kept in all rooms together, ids included, roughly. @default 67_108_864 */
  readonly maxTotal?: number
  /** Hears, once, that ids are forgotten before their window is over, because they are too many. */
  readonly onShortWindow?: () => void
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
  readonly name: string
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
  /** What its entries weigh. */
  bytes: number
}

/** Keeps the tail of every room in this process: nothing survives a restart, which begins new epochs. */
export function createMemoryLog({
  history = 1000,
  historyMs = 600_000,
  window = 900_000,
  maxTotal = 67_108_864,
  onShortWindow,
  now = () => performance.now(),
  clock = () => Date.now(),
}: MemoryLogOptions = {}): SignalLog {
  const keeping = createKeeping({ history, historyMs, historyBytes: maxTotal })
  const rooms = new Map<string, RoomLog>()
  const ids = createKnownIds(window, now)
  // What can be given up: rooms that have entries, or that nobody follows, in the order of last use. A room that is
  // followed and empty stands in neither set: nothing of it can be freed, so it is no part of what is bounded here.
  const spare = new Set<RoomLog>()
  const large = new Set<RoomLog>()
  /** What rooms in `spare` weigh. */
  let total = 0
  let certainFrom = now()
  let isShort = false
  const sweeper = setInterval(sweep, SWEEP_EVERY)
  sweeper.unref()

  function roomNamed(name: string): RoomLog {
    const found = rooms.get(name)
    if (found) {
      trimByAge(found)
      return found
    }
    const room: RoomLog = {
      name,
      epoch: randomBytes(9).toString('base64url'),
      entries: [],
      followers: new Set(),
      certainFrom,
      head: 0,
      floorId: undefined,
      droppedAt: Number.NEGATIVE_INFINITY,
      touchedAt: now(),
      bytes: 0,
    }
    total += ROOM_BYTES
    rooms.set(name, room)
    spare.add(room)
    return room
  }

  /** Counts a room as used now. */
  function touch(room: RoomLog): void {
    room.touchedAt = now()
    spare.delete(room)
    spare.add(room)
  }

  function weigh(room: RoomLog, bytes: number): void {
    room.bytes += bytes
    total += bytes
    if (room.bytes >= maxTotal / 16) large.add(room)
    else large.delete(room)
  }

  function drop(room: RoomLog, count: number): void {
    const dropped = room.entries.splice(0, count)
    const last = dropped.at(-1)
    if (!last) return
    weigh(
      room,
      dropped.reduce((sum, entry) => sum - entry.bytes, 0),
    )
    room.floorId = last.id
    room.droppedAt = last.storedAt
    if (room.entries.length === 0 && room.followers.size > 0) spare.delete(room)
  }

  function trimByAge(room: RoomLog): void {
    const oldest = now() - keeping(room.name).historyMs
    if ((room.entries[0]?.storedAt ?? oldest) >= oldest) return
    const firstKept = room.entries.findIndex((entry) => entry.storedAt >= oldest)
    drop(room, firstKept < 0 ? room.entries.length : firstKept)
  }

  /** Only rooms that nobody follows are forgotten: the others keep their epoch. */
  function forget(room: RoomLog): void {
    const newest = room.entries.at(-1)?.storedAt ?? room.droppedAt
    certainFrom = Math.max(certainFrom, newest)
    weigh(room, -room.bytes)
    total -= ROOM_BYTES
    spare.delete(room)
    rooms.delete(room.name)
  }

  function sweep(): void {
    ids.forgetOld()
    for (const room of rooms.values()) {
      trimByAge(room)
      const idleSince = now() - Math.max(keeping(room.name).historyMs, window)
      if (room.followers.size === 0 && room.touchedAt < idleSince) forget(room)
    }
  }

  /** Makes room, for no more work than there is to give up. */
  function shrink(): void {
    while (total + ids.bytes > maxTotal && ids.bytes > maxTotal / 2) {
      ids.forgetOldest()
      if (!isShort) onShortWindow?.()
      isShort = true
    }
    if (total + ids.bytes > maxTotal) shrinkRooms(maxTotal * 0.9 - ids.bytes)
  }

  function findLargest(): RoomLog | undefined {
    return [...large].toSorted((a, b) => b.bytes - a.bytes)[0]
  }

  /** First the rooms that take most of the memory lose their oldest entries, then the longest unused rooms lose all. */
  function shrinkRooms(goal: number): void {
    const isOver = (): boolean => total > goal
    for (let room = findLargest(); room && isOver(); room = findLargest()) {
      drop(room, Math.ceil(room.entries.length / 8))
    }
    for (const room of spare) {
      if (!isOver()) return
      if (room.followers.size === 0) forget(room)
      else drop(room, room.entries.length)
    }
  }

  function logEntry(name: string, id: string, opening: string): void {
    const room = roomNamed(name)
    const frame = signalFrame(opening, room.head + 1, clock())
    const entry: Kept = { offset: room.head + 1, id, frame, storedAt: now(), bytes: frame.length + ENTRY_BYTES }
    room.head = entry.offset
    room.entries.push(entry)
    weigh(room, entry.bytes)
    touch(room)
    if (room.entries.length > keeping(name).history) drop(room, 1)
    for (const follower of room.followers) follower(room.epoch, entry)
    shrink()
  }

  function unfollow(room: RoomLog, follower: Follower): void {
    if (!room.followers.delete(follower) || room.followers.size > 0 || rooms.get(room.name) !== room) return
    total += ROOM_BYTES
    touch(room)
  }

  return {
    health: 'ready',
    async open() {},

    async append({ room, id, opening, digest }) {
      const appended = ids.enter(id, digest)
      if (appended === 'logged') logEntry(room, id, opening)
      return appended
    },

    async read(name, asked, limit) {
      const room = roomNamed(name)
      // Rooms that are only looked at weigh something too.
      shrink()
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
      const room = roomNamed(name)
      if (room.followers.size === 0) {
        total -= ROOM_BYTES
        if (room.entries.length === 0) spare.delete(room)
      }
      room.followers.add(follower)
      return () => unfollow(room, follower)
    },

    async close() {
      clearInterval(sweeper)
      rooms.clear()
      spare.clear()
      large.clear()
      ids.clear()
    },
  }
}

const SWEEP_EVERY = 30_000

/** What an entry and a room weigh beside their frames: objects, ids, map slots. */
const ENTRY_BYTES = 200
const ROOM_BYTES = 1024
