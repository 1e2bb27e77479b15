import type { Entry, Subscriber, Reader, LogPage } from '../log.js'

/** Entries that are read, or that may wait, at a time. */
const PAGE = 256
/** Rooms that are subscribed to, or looked at, in one go. */
const BATCH_SIZE = 1000
/** Rooms that are looked at each time: where more are silent, each has its turn less often. */
const MAX_CHECKS = 2000

/** A log elsewhere, as the followed rooms see it. */
export interface RemoteLog {
  /** Resolves when every entry of the room that is logged from now on will be heard. */
  listen(rooms: readonly string[]): Promise<void>
  unlisten(room: string): void
  /** Reads from the log itself. */
  read(room: string, after: number | 'end', limit: number, reader?: Reader): Promise<LogPage>
  /** The newest places of rooms, where they are to be had: cheap, and may be asked often. */
  readPositions(rooms: readonly string[]): Promise<readonly (Position | undefined)[]>
  /** How long a room is kept that is not read, in milliseconds. */
  readonly keepMs: number
}

/** The newest place of a room. */
export interface Position {
  readonly epoch: string
  readonly head: number
}

/** Hands a remote log's entries to followers: without holes, in order, whatever became of the news of them. */
export interface Subscriptions {
  subscribe(room: string, subscriber: Subscriber): () => void
  /** Resolves when nothing that is logged from now on would be missed. What must be read for it takes the reader's turn. */
  whenSubscribed(room: string, reader?: Reader): Promise<void>
  /** A number that differs whenever followers of the room were told something in between, or others follow it. */
  versionOf(room: string): number | undefined
  /** News of an entry. It may be lost, late or repeated. */
  onEntry(room: string, epoch: string, entry: Entry): void
  /** The line on which news comes is new: what was said meanwhile is read. */
  resubscribe(): Promise<void>
  /** Looks after the rooms of which nothing was heard for `silence` milliseconds, and those that could not be read. */
  checkStale(silence: number): void
}

interface Subscription {
  readonly subscribers: Set<Subscriber>
  /** Empty before the first reading. */
  epoch: string
  head: number
  /** What was heard while the log is read; `undefined` when it is not. */
  buffered: { readonly epoch: string; readonly entry: Entry }[] | undefined
  /** Whether the log must be read once more, because something may have been missed. */
  isStale: boolean
  starting: Promise<void> | undefined
  receivedAt: number
  readAt: number
  version: number
}

export function createSubscriptions({ listen, unlisten, read, readPositions, keepMs }: RemoteLog): Subscriptions {
  /** Those that were looked at of late stand at the end. */
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

  /** Hands over an entry that is the next; says false when something lies between. */
  function deliver(room: Subscription, epoch: string, entry: Entry): boolean {
    if (epoch !== room.epoch) return false
    if (entry.offset <= room.head) return true
    if (entry.offset > room.head + 1) return false
    room.head = entry.offset
    notify(room, epoch, entry)
    return true
  }

  /** Reads on until nothing lies between the log and the news of it. */
  async function catchUp(name: string, room: Subscription, reader?: Reader): Promise<void> {
    if (room.buffered) {
      room.isStale = true
      return
    }
    room.buffered = []
    try {
      for (;;) {
        room.isStale = false
        const page = await read(name, room.epoch === '' ? 'end' : room.head, PAGE, reader)
        if (!isCurrent(name, room)) return
        applyPage(room, page)
        if (room.head < page.head || room.isStale) continue
        const buffered = room.buffered
        room.buffered = []
        if (buffered.every(({ epoch, entry }) => deliver(room, epoch, entry))) break
      }
      room.receivedAt = room.readAt = performance.now()
    } catch (error) {
      // What waited is lost, and whatever made this necessary still does.
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
    // Each follower reads on from where it is, and learns what is missing.
    if (!isFirst) notify(room, epoch)
  }

  function catchUpInBackground(name: string, room: Subscription): void {
    // Trouble is told by whatever else is asked of the log; the room is looked after again.
    catchUp(name, room).catch(() => {})
  }

  /** Looks at rooms, and reads those of which there is more than was heard. */
  async function check(silent: readonly (readonly [string, Subscription])[]): Promise<void> {
    const positions = await readPositions(silent.map(([name]) => name))
    for (const [index, [name, room]] of silent.entries()) {
      const position = positions[index]
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
      // They are still silent: they are looked at again.
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

    onEntry(name, epoch, entry) {
      const room = rooms.get(name)
      // Whatever is heard before the first reading begins is part of it.
      if (!room || (room.epoch === '' && !room.buffered)) return
      room.receivedAt = performance.now()
      if (!room.buffered) {
        if (!deliver(room, epoch, entry)) catchUpInBackground(name, room)
        return
      }
      if (room.buffered.length < PAGE) room.buffered.push({ epoch, entry })
      else room.isStale = true
    },

    async resubscribe() {
      const names = [...rooms.keys()]
      for (let from = 0; from < names.length; from += BATCH_SIZE) {
        const followed = names.slice(from, from + BATCH_SIZE).filter((name) => rooms.has(name))
        if (followed.length > 0) await listen(followed)
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
