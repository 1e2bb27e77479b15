import type {
  GapFrame,
  JoinFrame,
  JoinedFrame,
  LeaveFrame,
  RelayFrame,
  Position,
  RoomRequest,
  SignalFrame,
  Since,
} from '../protocol/frames.js'
import type { Gap, Stop } from '../signals.js'
import { NAVIGATION_WINDOW } from './unheard.js'

/** How many ids are remembered at least: it stops repeats where positions cannot, across two lives of a relay's log. */
const REMEMBERED_IDS = 8192

/** After how many milliseconds an answer is late: the age that was asked for may have been heard as late, and then began too late. */
const PROMPT_ANSWER = 250

export interface InboxOptions {
  /** Sends a frame if there is a connection; the next `hello` says the same otherwise. */
  readonly send: (frame: JoinFrame | LeaveFrame) => void
  /** Whether a page that has just loaded begins with what was sent since its navigation. */
  readonly isSinceNavigation: boolean
  /** Where the tab's last page was. */
  readonly remembered: ReadonlyMap<string, Position>
  /** Whether to begin early rather than late; without a memory, a page that reloads at a signal would do so for ever. */
  readonly isEarlyAllowed: boolean
  readonly deliver: (frame: SignalFrame, isReplayed: boolean) => void
  readonly onGap: (gap: Gap) => void
}

export interface Inbox {
  /** Listens to a room. The last stop leaves it. */
  listen(room: string): Stop
  /** The rooms for a new connection, each with where it goes on. */
  rooms(): RoomRequest[]
  /** Asks again for the rooms that were refused. */
  retryRefused(): void
  /** What was last handled in each room. */
  positions(): Map<string, Position>
  onFrame(frame: RelayFrame): void
}

interface Room {
  listeners: number
  /** From when on its signals are wanted, in milliseconds since the navigation. */
  readonly wantedSince: number
  /** When the relay was asked last, on the same clock. */
  askedAt: number
  /** What is added to an age, for a line that is slow to carry it. */
  allowance: number
  /** The position: what was last handled. There is none before the first answer of the relay. */
  epoch?: string | undefined
  offset: number
  id?: string | undefined
  /** What comes up to here was sent before the page joined. */
  head: number
  /** A join is under way: what comes before its answer belongs to an older one. */
  isJoining: boolean
  /** The relay does not let this page in, until a fresh token says otherwise. */
  isRefused: boolean
}

/** Lets each signal through once and in order, and owns the position in every room. */
export function createInbox({
  send,
  isSinceNavigation,
  remembered,
  isEarlyAllowed,
  deliver,
  onGap,
}: InboxOptions): Inbox {
  const rooms = new Map<string, Room>()
  const visited = new Set<string>()
  // Two generations: the older one goes as a whole, which costs less than to drop one id for each that comes.
  let seen = new Set<string>()
  let seenBefore = seen

  function ask(room: Room): Since {
    const { epoch, offset, id, wantedSince, allowance } = room
    room.isJoining = true
    room.askedAt = performance.now()
    if (epoch === undefined) return { age: Math.max(0, Math.ceil(room.askedAt - wantedSince + allowance)) }
    return { epoch, offset, id }
  }

  function open(name: string): Room {
    const now = performance.now()
    // Whoever comes back to a room begins anew: what the first stay handled must not come again.
    const isFirst = !visited.has(name)
    const wantedSince = isSinceNavigation && isFirst && now < NAVIGATION_WINDOW ? 0 : now
    const position = isFirst ? remembered.get(name) : undefined
    const room = {
      wantedSince,
      askedAt: now,
      allowance: 0,
      listeners: 0,
      offset: 0,
      head: 0,
      isJoining: false,
      isRefused: false,
      ...position,
    }
    rooms.set(name, room)
    join(name, room)
    return room
  }

  function join(name: string, room: Room): void {
    room.isRefused = false
    send({ type: 'join', room: name, since: ask(room) })
  }

  function leaveUnlessWanted(name: string, room: Room): void {
    if (room.listeners > 0 || rooms.get(name) !== room) return
    rooms.delete(name)
    send({ type: 'leave', room: name })
  }

  /** Returns whether the id is new. */
  function remember(id: string): boolean {
    if (id === '') return true
    if (seen.has(id) || seenBefore.has(id)) return false
    seen.add(id)
    if (seen.size >= REMEMBERED_IDS) {
      seenBefore = seen
      seen = new Set()
    }
    return true
  }

  function moveTo(room: Room, { epoch, offset, id }: JoinedFrame | GapFrame): void {
    // Within one epoch a position never goes back: what was handled stays handled.
    if (epoch === room.epoch && offset <= room.offset) return
    if (id !== undefined || offset !== room.offset) room.id = id
    room.epoch = epoch
    room.offset = offset
  }

  function onSignal(frame: SignalFrame): void {
    const room = rooms.get(frame.room)
    if (!room) return
    // Offset 0: a server that keeps no positions.
    if (frame.offset > 0) {
      if (room.isJoining || (room.epoch !== undefined && frame.offset <= room.offset)) return
      if (room.epoch === undefined || frame.offset > room.offset + 1) return join(frame.room, room)
      room.offset = frame.offset
      room.id = frame.id
    }
    if (remember(frame.id)) deliver(frame, frame.offset > 0 && frame.offset <= room.head)
  }

  function onJoined(frame: JoinedFrame): void {
    const room = rooms.get(frame.room)
    if (!room) return
    const delay = performance.now() - room.askedAt
    const isLate = room.epoch === undefined && delay > Math.max(PROMPT_ANSWER, room.allowance)
    if (isLate && isEarlyAllowed && frame.recovered) {
      room.allowance = delay
      return join(frame.room, room)
    }
    visited.add(frame.room)
    room.isJoining = false
    room.head = frame.head
    // Not recovered: the position stays where it is until the gap was told, so that a cut line cannot hide it.
    if (frame.recovered) moveTo(room, frame)
  }

  function onGapFrame(frame: GapFrame): void {
    const room = rooms.get(frame.room)
    if (!room) return
    moveTo(room, frame)
    onGap({ room: frame.room, reason: frame.reason })
  }

  function onRefused(name: string): void {
    const room = rooms.get(name)
    if (room) room.isJoining = room.isRefused = true
  }

  return {
    listen(name) {
      const room = rooms.get(name) ?? open(name)
      room.listeners += 1
      let isStopped = false
      return () => {
        if (isStopped) return
        isStopped = true
        room.listeners -= 1
        // A page that re-renders stops and listens again in one breath, and keeps its place.
        queueMicrotask(() => leaveUnlessWanted(name, room))
      }
    },

    rooms() {
      return [...rooms].map(([name, room]) => ({ room: name, since: ask(room) }))
    },

    retryRefused() {
      for (const [name, room] of rooms) if (room.isRefused) join(name, room)
    },

    positions() {
      const positions = new Map<string, Position>()
      for (const [name, { epoch, offset, id }] of rooms) if (epoch) positions.set(name, { epoch, offset, id })
      return positions
    },

    onFrame(frame) {
      switch (frame.type) {
        case 'signal':
          return onSignal(frame)
        case 'joined':
          return onJoined(frame)
        case 'gap':
          return onGapFrame(frame)
        case 'refused':
        case 'left':
          return onRefused(frame.room ?? '')
      }
    },
  }
}
