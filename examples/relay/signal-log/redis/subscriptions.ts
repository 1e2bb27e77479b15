import { EntryBuffer } from '../entry-buffer.js'
import type { Entry, Subscriber, Reader, LogPage } from '../log.js'
import type { Notification } from './codec.js'

/** Entries per read. Pages are also limited in size. */
const PAGE = 1024
/** Rooms per subscribe or check command. */
const BATCH_SIZE = 1000
/** Rooms per check. With more silent rooms, each one is checked less often. */
const MAX_CHECKS = 2000

/** A remote log, as subscriptions use it. */
export interface RemoteLog {
  /** Resolves when every later entry of the rooms causes a notification. */
  listen(rooms: readonly string[]): Promise<void>
  unlisten(room: string): void
  /** Reads from the log itself. */
  read(room: string, after: number | 'end', limit: number, reader?: Reader): Promise<LogPage>
  /** Returns the heads of rooms, where available. This call is cheap. */
  readHeads(rooms: readonly string[]): Promise<readonly (RoomHead | undefined)[]>
  /** Time for which the log keeps a room that is not read (ms). */
  readonly keepMs: number
}

/** The newest position of a room. */
export interface RoomHead {
  readonly epoch: string
  readonly head: number
}

/** Delivers entries to subscribers in order and without gaps even when notifications are lost. */
export interface Subscriptions {
  subscribe(room: string, subscriber: Subscriber): () => void
  /** Resolves when subscribers of the room receive every later entry. The initial read takes the reader's turn. */
  whenSubscribed(room: string, reader?: Reader): Promise<void>
  /** A version that changes whenever subscribers of the room were notified. */
  versionOf(room: string): number | undefined
  /** Handles a notification, which may be late or repeated. */
  onNotification(room: string, notification: Notification): void
  /** Subscribes again on a new connection, and reads entries that were missed. */
  resubscribe(): Promise<void>
  /** Checks rooms without a notification for `silence` (ms), and rooms whose last read failed. */
  checkStale(silence: number): void
}

interface Subscription {
  readonly subscribers: Set<Subscriber>
  /** Empty before the first read. */
  epoch: string
  head: number
  /** Notifications that arrived during a read; `undefined` without a read. */
  buffered: EntryBuffer | undefined
  /** True when the log must be read again, because a notification may be lost. */
  isStale: boolean
  starting: Promise<void> | undefined
  receivedAt: number
  readAt: number
  version: number
}

export function createSubscriptions({ listen, unlisten, read, readHeads, keepMs }: RemoteLog): Subscriptions {
  /** Ordered by last check, oldest first. */
  const rooms = new Map<string, Subscription>()
  let versions = 0
  let isChecking = false

  function isCurrent(name: string, room: Subscription): boolean {
    return rooms.get(name) === room
  }

  function notify(room: Subscription, epoch: string, entry?: Entry): void {
    room.version = versions += 1
    for (const subscriber of room.subscribers) subscriber(epoch, entry)
  }

  /** Delivers the next entry, and returns false when entries before it are missing. */
  function deliver(room: Subscription, epoch: string, entry: Entry): boolean {
    if (epoch !== room.epoch) return false
    if (entry.offset <= room.head) return true
    if (entry.offset > room.head + 1) return false
    room.head = entry.offset
    notify(room, epoch, entry)
    return true
  }

  /** Reads the log until no entry is missing before the latest notification. */
  async function catchUp(name: string, room: Subscription, reader?: Reader): Promise<void> {
    if (room.buffered) {
      room.isStale = true
      return
    }
    const buffered = (room.buffered = new EntryBuffer())
    try {
      for (;;) {
        room.isStale = false
        const page = await read(name, room.epoch === '' ? 'end' : room.head, PAGE, reader)
        if (!isCurrent(name, room)) return
        applyPage(room, page)
        if (room.head < page.head || room.isStale) continue
        if (buffered.take()?.every(({ epoch, entry }) => deliver(room, epoch, entry))) break
      }
      room.receivedAt = room.readAt = performance.now()
    } catch (error) {
      // The buffered entries are lost, and the cause of this read remains.
      room.isStale = true
      throw error
    } finally {
      room.buffered = undefined
    }
  }

  function applyPage(room: Subscription, { epoch, floor, head, entries }: LogPage): void {
    const isContinued = epoch === room.epoch && floor <= room.head && room.head <= head
    if (isContinued) return entries.forEach((entry) => deliver(room, epoch, entry))
    const isFirst = room.epoch === ''
    room.epoch = epoch
    room.head = head
    // Each subscriber reads the log from its own position, and finds the gap.
    if (!isFirst) notify(room, epoch)
  }

  function catchUpInBackground(name: string, room: Subscription): void {
    // Other calls to the log report the failure; the next check repeats this read.
    catchUp(name, room).catch(() => {})
  }

  /** Compares positions, and reads the rooms that have newer entries. */
  async function check(silent: readonly (readonly [string, Subscription])[]): Promise<void> {
    const heads = await readHeads(silent.map(([name]) => name))
    for (const [index, [name, room]] of silent.entries()) {
      const position = heads[index]
      if (!position || !isCurrent(name, room) || room.buffered) continue
      if (position.epoch === room.epoch && position.head === room.head) room.receivedAt = performance.now()
      else catchUpInBackground(name, room)
    }
  }

  async function checkAll(silent: readonly (readonly [string, Subscription])[]): Promise<void> {
    isChecking = true
    try {
      for (let from = 0; from < silent.length; from += BATCH_SIZE) await check(silent.slice(from, from + BATCH_SIZE))
    } catch {
      // The rooms stay silent, so the next check includes them.
    } finally {
      isChecking = false
    }
  }

  async function start(name: string, room: Subscription, reader?: Reader): Promise<void> {
    await listen([name])
    await catchUp(name, room, reader)
  }

  return {
    subscribe(name, subscriber) {
      const now = performance.now()
      const room: Subscription = rooms.get(name) ?? {
        subscribers: new Set(),
        epoch: '',
        head: 0,
        buffered: undefined,
        isStale: false,
        starting: undefined,
        receivedAt: now,
        readAt: now,
        version: (versions += 1),
      }
      rooms.set(name, room)
      room.subscribers.add(subscriber)
      return () => {
        if (!room.subscribers.delete(subscriber) || room.subscribers.size > 0) return
        rooms.delete(name)
        unlisten(name)
      }
    },

    async whenSubscribed(name, reader) {
      const room = rooms.get(name)
      if (!room || room.epoch !== '') return
      room.starting ??= start(name, room, reader).finally(() => {
        room.starting = undefined
      })
      await room.starting
    },

    versionOf: (name) => rooms.get(name)?.version,

    onNotification(name, { epoch, entries }) {
      const room = rooms.get(name)
      // The first read includes every earlier entry.
      if (!room || (room.epoch === '' && !room.buffered)) return
      room.receivedAt = performance.now()
      if (entries.length === 0) return catchUpInBackground(name, room)
      for (const entry of entries) {
        if (room.buffered) room.buffered.add(epoch, entry)
        else if (!deliver(room, epoch, entry)) catchUpInBackground(name, room)
      }
    },

    async resubscribe() {
      const names = [...rooms.keys()]
      for (let from = 0; from < names.length; from += BATCH_SIZE) {
        const subscribed = names.slice(from, from + BATCH_SIZE).filter((name) => rooms.has(name))
        if (subscribed.length > 0) await listen(subscribed)
      }
      for (const [name, room] of rooms) if (room.epoch !== '') catchUpInBackground(name, room)
    },

    checkStale(silence) {
      const now = performance.now()
      const silent: [string, Subscription][] = []
      for (const [name, room] of rooms) {
        if (room.buffered || room.epoch === '') continue
        if (room.isStale || room.readAt < now - keepMs / 4) catchUpInBackground(name, room)
        else if (room.receivedAt < now - silence && silent.length < MAX_CHECKS) silent.push([name, room])
      }
      if (isChecking || silent.length === 0) return
      for (const [name, room] of silent) {
        rooms.delete(name)
        rooms.set(name, room)
      }
      void checkAll(silent)
    },
  }
}
