import type { Entry, Follower, Reader, Tail } from '../log.js'

/** A log elsewhere, as the followed rooms see it. */
export interface RemoteLog {
  /** Resolves when every entry of the room that is logged from now on will be heard. */
  subscribe(rooms: readonly string[]): Promise<void>
  unsubscribe(room: string): void
  /** Reads from the log itself. */
  read(room: string, after: number | 'end', limit: number, reader?: Reader): Promise<Tail>
  /** The newest places of rooms, where they are to be had: cheap, and may be asked often. */
  look(rooms: readonly string[]): Promise<readonly (Place | undefined)[]>
  /** How long a room is kept that is not read, in milliseconds. */
  readonly keepMs: number
}

/** The newest place of a room. */
export interface Place {
  readonly epoch: string
  readonly head: number
}

/** Hands a remote log's entries to followers: without holes, in order, whatever became of the news of them. */
export interface Following {
  follow(room: string, follower: Follower): () => void
  /** Resolves when nothing that is logged from now on would be missed. What must be read for it takes the reader's turn. */
  whenHeard(room: string, reader?: Reader): Promise<void>
  /** A number that differs whenever followers of the room were told something in between, or others follow it. */
  toldOf(room: string): number | undefined
  /** News of an entry. It may be lost, late or repeated. */
  hear(room: string, epoch: string, entry: Entry): void
  /** The line on which news comes is new: what was said meanwhile is read. */
  renew(): Promise<void>
  /** Looks after the rooms of which nothing was heard for `silence` milliseconds, and those that could not be read. */
  lookAfter(silence: number): void
}

interface Followed {
  readonly followers: Set<Follower>
  /** Empty before the first reading. */
  epoch: string
  last: number
  /** What was heard while the log is read; `undefined` when it is not. */
  waiting: { readonly epoch: string; readonly entry: Entry }[] | undefined
  /** Whether the log must be read once more, because something may have been missed. */
  isStale: boolean
  opening: Promise<void> | undefined
  heardAt: number
  readAt: number
  told: number
}

export function createFollowing({ subscribe, unsubscribe, read, look, keepMs }: RemoteLog): Following {
  /** Those that were looked at of late stand at the end. */
  const rooms = new Map<string, Followed>()
  let tellings = 0
  let isLooking = false

  function isCurrent(name: string, room: Followed): boolean {
    return rooms.get(name) === room
  }

  function tell(room: Followed, epoch: string, entry?: Entry): void {
    room.told = tellings += 1
    for (const follower of room.followers) follower(epoch, entry)
  }

  /** Hands over an entry that is the next; says false when something lies between. */
  function take(room: Followed, epoch: string, entry: Entry): boolean {
    if (epoch !== room.epoch) return false
    if (entry.offset <= room.last) return true
    if (entry.offset > room.last + 1) return false
    room.last = entry.offset
    tell(room, epoch, entry)
    return true
  }

  /** Reads on until nothing lies between the log and the news of it. */
  async function catchUp(name: string, room: Followed, reader?: Reader): Promise<void> {
    if (room.waiting) {
      room.isStale = true
      return
    }
    room.waiting = []
    try {
      for (;;) {
        room.isStale = false
        const tail = await read(name, room.epoch === '' ? 'end' : room.last, PAGE, reader)
        if (!isCurrent(name, room)) return
        absorb(room, tail)
        if (room.last < tail.head || room.isStale) continue
        const waiting = room.waiting
        room.waiting = []
        if (waiting.every(({ epoch, entry }) => take(room, epoch, entry))) break
      }
      room.heardAt = room.readAt = performance.now()
    } catch (error) {
      // What waited is lost, and whatever made this necessary still does.
      room.isStale = true
      throw error
    } finally {
      room.waiting = undefined
    }
  }

  function absorb(room: Followed, { epoch, floor, head, entries }: Tail): void {
    const isContinued = epoch === room.epoch && floor <= room.last && room.last <= head
    if (isContinued) return entries.forEach((entry) => take(room, epoch, entry))
    const isFirst = room.epoch === ''
    room.epoch = epoch
    room.last = head
    // Each follower reads on from where it is, and learns what is missing.
    if (!isFirst) tell(room, epoch)
  }

  function catchUpQuietly(name: string, room: Followed): void {
    // Trouble is told by whatever else is asked of the log; the room is looked after again.
    catchUp(name, room).catch(() => {})
  }

  /** Looks at rooms, and reads those of which there is more than was heard. */
  async function lookAt(silent: readonly (readonly [string, Followed])[]): Promise<void> {
    const places = await look(silent.map(([name]) => name))
    for (const [index, [name, room]] of silent.entries()) {
      const place = places[index]
      if (!place || !isCurrent(name, room) || room.waiting) continue
      if (place.epoch === room.epoch && place.head === room.last) room.heardAt = performance.now()
      else catchUpQuietly(name, room)
    }
  }

  async function lookAtAll(silent: readonly (readonly [string, Followed])[]): Promise<void> {
    isLooking = true
    try {
      for (let from = 0; from < silent.length; from += TOGETHER) await lookAt(silent.slice(from, from + TOGETHER))
    } catch {
      // They are still silent: they are looked at again.
    } finally {
      isLooking = false
    }
  }

  async function open(name: string, room: Followed, reader?: Reader): Promise<void> {
    await subscribe([name])
    await catchUp(name, room, reader)
  }

  return {
    follow(name, follower) {
      const now = performance.now()
      const room: Followed = rooms.get(name) ?? {
        followers: new Set(),
        epoch: '',
        last: 0,
        waiting: undefined,
        isStale: false,
        opening: undefined,
        heardAt: now,
        readAt: now,
        told: (tellings += 1),
      }
      rooms.set(name, room)
      room.followers.add(follower)
      return () => {
        if (!room.followers.delete(follower) || room.followers.size > 0) return
        rooms.delete(name)
        unsubscribe(name)
      }
    },

    async whenHeard(name, reader) {
      const room = rooms.get(name)
      if (!room || room.epoch !== '') return
      room.opening ??= open(name, room, reader).finally(() => {
        room.opening = undefined
      })
      await room.opening
    },

    toldOf: (name) => rooms.get(name)?.told,

    hear(name, epoch, entry) {
      const room = rooms.get(name)
      // Whatever is heard before the first reading begins is part of it.
      if (!room || (room.epoch === '' && !room.waiting)) return
      room.heardAt = performance.now()
      if (!room.waiting) {
        if (!take(room, epoch, entry)) catchUpQuietly(name, room)
        return
      }
      if (room.waiting.length < PAGE) room.waiting.push({ epoch, entry })
      else room.isStale = true
    },

    async renew() {
      const names = [...rooms.keys()]
      for (let from = 0; from < names.length; from += TOGETHER) {
        const followed = names.slice(from, from + TOGETHER).filter((name) => rooms.has(name))
        if (followed.length > 0) await subscribe(followed)
      }
      for (const [name, room] of rooms) if (room.epoch !== '') catchUpQuietly(name, room)
    },

    lookAfter(silence) {
      const now = performance.now()
      const silent: [string, Followed][] = []
      for (const [name, room] of rooms) {
        if (room.waiting || room.epoch === '') continue
        if (room.isStale || room.readAt < now - keepMs / 4) catchUpQuietly(name, room)
        else if (room.heardAt < now - silence && silent.length < MOST_LOOKS) silent.push([name, room])
      }
      if (isLooking || silent.length === 0) return
      for (const [name, room] of silent) {
        rooms.delete(name)
        rooms.set(name, room)
      }
      void lookAtAll(silent)
    },
  }
}

/** Entries that are read, or that may wait, at a time. */
const PAGE = 256
/** Rooms that are subscribed to, or looked at, in one go. */
const TOGETHER = 1000
/** Rooms that are looked at each time: where more are silent, each has its turn less often. */
const MOST_LOOKS = 2000
