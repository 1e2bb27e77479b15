import type {
  JoinFrame,
  JoinedFrame,
  LeaveFrame,
  RelayFrame,
  Position,
  RoomRequest,
  SignalFrame,
} from '../protocol/frames.js'
import type { Gap, Stop } from '../signals.js'

/** How many ids are remembered at least: it stops repeats where positions cannot, across two lives of a relay's log. */
const REMEMBERED_IDS = 8192

/** After how many milliseconds an answer is late: the age that was asked for may have been heard as late, and then began too late. */
const PROMPT_ANSWER = 250

/** The most of a hello that rooms may take, in characters. */
const MAX_HELLO_ROOMS = 600

export interface InboxOptions {
  /** Sends a frame; false, and nothing is sent, where there is no connection. */
  readonly send: (frame: JoinFrame | LeaveFrame) => boolean
  /** Whether a room that is opened now begins with what was sent since the navigation. */
  readonly isLoading: () => boolean
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
  /** The rooms for a `hello`, each with where it goes on. */
  rooms(): RoomRequest[]
  /** There is a connection: tells the relay what its `hello` did not say. */
  settle(): void
  /** What was last handled in each room. */
  positions(): Map<string, Position>
  /** Takes every frame, and leaves alone what does not concern it. */
  onFrame(frame: RelayFrame): void
}

interface Room {
  readonly name: string
  listeners: number
  /** From when on its signals are wanted, in milliseconds since the navigation. */
  readonly wantedSince: number
  /** When the relay was asked last, on the same clock. */
  askedAt: number
  /** What is added to an age, for a line that is slow to carry it. */
  allowance: number
  /** What was last handled; nothing before the first answer of the relay. */
  position: Position | undefined
  /** What comes up to here was sent before the page joined. */
  head: number
  /**
   * `joining`: what comes before the answer belongs to an older join. `refused`: the relay does not let this page in, until
   * a fresh token says otherwise.
   */
  state: 'joining' | 'joined' | 'refused'
}

/** Lets each signal through once and in order, and owns the position in every room. */
export function createInbox({ send, isLoading, remembered, isEarlyAllowed, deliver, onGap }: InboxOptions): Inbox {
  const rooms = new Map<string, Room>()
  const visited = new Set<string>()
  /** What the relay was asked for on its present connection. */
  let asked = new Set<string>()
  // Two generations: the older one goes as a whole, which costs less than to drop one id for each that comes.
  let seen = new Set<string>()
  let seenBefore = seen

  function open(name: string): Room {
    const now = performance.now()
    // Whoever comes back to a room begins anew: what the first stay handled must not come again.
    const isFirst = !visited.has(name)
    const room: Room = {
      name,
      listeners: 0,
      wantedSince: isFirst && isLoading() ? 0 : now,
      askedAt: now,
      allowance: 0,
      position: isFirst ? remembered.get(name) : undefined,
      head: 0,
      state: 'joining',
    }
    rooms.set(name, room)
    join(room)
    return room
  }

  /** The next answer is to this question. */
  function ask(room: Room): RoomRequest {
    const { name, position, wantedSince, allowance } = room
    room.state = 'joining'
    room.askedAt = performance.now()
    return { room: name, since: position ?? { age: Math.ceil(room.askedAt - wantedSince + allowance) } }
  }

  function join(room: Room): void {
    if (send({ type: 'join', ...ask(room) })) asked.add(room.name)
  }

  function leave(name: string): void {
    if (send({ type: 'leave', room: name })) asked.delete(name)
  }

  function leaveUnlessWanted(room: Room): void {
    if (room.listeners > 0 || rooms.get(room.name) !== room) return
    rooms.delete(room.name)
    leave(room.name)
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

  function moveTo(room: Room, { epoch, offset, id }: Position): void {
    const { position } = room
    const hasSameOffset = position?.offset === offset
    // Within one epoch a position never goes back: what was handled stays handled.
    if (position?.epoch === epoch && position.offset >= offset) return
    room.position = { epoch, offset, id: id ?? (hasSameOffset ? position.id : undefined) }
  }

  function onSignal(room: Room, frame: SignalFrame): void {
    const { offset, id } = frame
    const { position, state, head } = room
    // Offset 0: a server that keeps no positions.
    if (offset > 0) {
      if (state !== 'joined' || (position && offset <= position.offset)) return
      if (!position || offset > position.offset + 1) return join(room)
      room.position = { epoch: position.epoch, offset, id }
    }
    if (remember(id)) deliver(frame, offset > 0 && offset <= head)
  }

  function onJoined(room: Room, frame: JoinedFrame): void {
    const delay = performance.now() - room.askedAt
    const isLate = !room.position && delay > Math.max(PROMPT_ANSWER, room.allowance)
    if (isLate && isEarlyAllowed && frame.recovered) {
      room.allowance = delay
      return join(room)
    }
    visited.add(room.name)
    room.state = 'joined'
    room.head = frame.head
    // Not recovered: the position stays where it is until the gap was told, so that a cut line cannot hide it.
    if (frame.recovered) moveTo(room, frame)
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
        queueMicrotask(() => leaveUnlessWanted(room))
      }
    },

    rooms() {
      const requests = [...rooms.values()].map(ask)
      // A hello must never be too large.
      if (JSON.stringify(requests).length > MAX_HELLO_ROOMS) requests.length = 0
      asked = new Set(requests.map(({ room }) => room))
      return requests
    },

    settle() {
      for (const name of asked) if (!rooms.has(name)) leave(name)
      for (const room of rooms.values()) if (room.state === 'refused' || !asked.has(room.name)) join(room)
    },

    positions() {
      // Where this page has not been, the tab goes on where the last one was.
      const positions = new Map([...remembered].filter(([name]) => !visited.has(name)))
      for (const { name, position } of rooms.values()) if (position) positions.set(name, position)
      return positions
    },

    onFrame(frame) {
      const room = 'room' in frame ? rooms.get(frame.room ?? '') : undefined
      if (!room) return
      switch (frame.type) {
        case 'signal':
          return onSignal(room, frame)
        case 'joined':
          return onJoined(room, frame)
        case 'gap':
          moveTo(room, frame)
          return onGap({ room: room.name, reason: frame.reason })
        case 'left':
        case 'refused':
          // A signal to the room may be what was refused.
          if (!('id' in frame)) room.state = 'refused'
      }
    },
  }
}
