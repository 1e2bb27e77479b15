import type {
  JoinFrame,
  JoinedFrame,
  LeaveFrame,
  RelayFrame,
  Position,
  RoomRequest,
  SignalFrame,
} from '../protocol/frames.js'
import { stringify } from '../protocol/stringify.js'
import { backoff } from '../connection/backoff.js'
import { isHtmlOlder } from '../page/navigation-entry.js'
import type { Gap, Stop } from '../signals.js'
import { CALM, MAX_HELLO_ROOMS, PROMPT_ANSWER } from './limits.js'
import { createSeenIds } from './seen-ids.js'

/** A signal with the epoch of its offset; empty if the server has no positions. */
export type ReceivedFrame = SignalFrame & { readonly epoch: string }

export interface InboxOptions {
  /** Sends a frame; returns false if there is no connection. */
  readonly send: (frame: JoinFrame | LeaveFrame) => boolean
  /** Whether a room that is joined now begins with signals since the navigation. */
  readonly isLoading: () => boolean
  /**
   * The positions of the tab's last page by room, and of the tab's receivers by type. The inbox removes those of rooms that
   * this page has entered.
   */
  readonly remembered: Map<string, Position>
  /** The user of the last page, if known. */
  readonly user: string | undefined
  /** Whether rooms may begin early. Without a tab memory, a page that reloads at a signal would reload for ever. */
  readonly isEarlyAllowed: boolean
  readonly deliver: (frame: ReceivedFrame, isReplayed: boolean) => void
  readonly onGap: (gap: Gap) => void
}

export interface Inbox {
  /** Joins a room. The last stop leaves it. */
  listen(room: string): Stop
  /** Returns the rooms for a `hello`, each with its position. */
  requestRooms(): RoomRequest[]
  /** Joins and leaves the rooms that the last `hello` did not cover. */
  settle(): void
  /** Delivers nothing until `setUser`: the next user may be another one. */
  hold(): void
  /**
   * Sets the user that the relay has named, empty for none. A new user begins anew in each room, with a gap in the rooms that
   * the page has visited. Returns whether the user is the same, or the first one.
   */
  setUser(user: string): boolean
  /** The user of the positions, if a relay has named one. */
  readonly user: string | undefined
  /** Returns the position in each room. */
  positions(): Map<string, Position>
  /** Handles the frames that concern rooms, and ignores others. */
  onFrame(frame: RelayFrame): void
}

interface Room {
  readonly name: string
  listeners: number
  /** The start of the wanted signals (ms since the navigation). */
  wantedSince: number
  /** The time of the last join, by the same clock. */
  askedAt: number
  /** When the present series of joins after missing signals began; 0 for none. */
  rejoinsSince: number
  timer?: ReturnType<typeof setTimeout>
  /** Added to an age on a slow connection (ms). */
  allowance: number
  /** The last handled entry; undefined before the first answer of the relay. */
  position: Position | undefined
  /** Signals up to this offset were sent before the page joined. */
  head: number
  /**
   * `joining`: signals before the answer belong to an older join. `outside`: the relay refused the page, the token is another
   * one, or the next join waits; `settle` joins again.
   */
  state: 'joining' | 'joined' | 'outside'
}

/** Delivers each signal once and in order, and owns the position in every room. */
export function createInbox(options: InboxOptions): Inbox {
  const { send, isLoading, remembered, isEarlyAllowed, deliver, onGap } = options
  const rooms = new Map<string, Room>()
  const visited = new Set<string>()
  let { user } = options
  let isHeld = false
  /** The joined rooms of the present connection, each with its number of unanswered joins. */
  const asked = new Map<string, number>()
  const isNew = createSeenIds()

  function open(name: string): Room {
    const now = performance.now()
    // A second stay in a room begins anew: signals of the first stay must not come again.
    const isFirst = !visited.has(name)
    const room: Room = {
      name,
      listeners: 0,
      wantedSince: isFirst && isLoading() ? 0 : now,
      askedAt: now,
      rejoinsSince: 0,
      allowance: 0,
      position: undefined,
      head: 0,
      state: 'joining',
    }
    rooms.set(name, room)
    join(room)
    return room
  }

  /** Builds the request for a join; the next answer belongs to it. */
  function ask(room: Room): RoomRequest {
    const { name, position, wantedSince, allowance } = room
    clearTimeout(room.timer)
    room.state = 'joining'
    room.askedAt = performance.now()
    // The HTML of this page may be older than signals that the last page has received.
    return {
      room: name,
      since: position ?? { ...remembered.get(name), age: Math.ceil(room.askedAt - wantedSince + allowance) },
    }
  }

  function join(room: Room): void {
    if (send({ type: 'join', ...ask(room) })) expectAnswer(room.name)
  }

  /** Joins again from the same position. Repeated joins back off: the relay may never fill the hole. */
  function rejoin(room: Room): void {
    const now = performance.now()
    if (now - room.askedAt > CALM) room.rejoinsSince = 0
    const outage = room.rejoinsSince && now - room.rejoinsSince
    room.rejoinsSince ||= now
    if (!outage) return join(room)
    room.state = 'outside'
    clearTimeout(room.timer)
    room.timer = setTimeout(join, backoff(outage), room)
  }

  /** The page or the connection backs off by itself: the first join after a new hello or token is no repeated one. */
  function resetBackoff(): void {
    for (const room of rooms.values()) room.rejoinsSince = 0
  }

  function expectAnswer(name: string): void {
    asked.set(name, (asked.get(name) ?? 0) + 1)
  }

  /** Returns whether an answer belongs to the latest join. */
  function takeAnswer(name: string): boolean {
    const unanswered = (asked.get(name) ?? 1) - 1
    asked.set(name, unanswered)
    return unanswered <= 0 && !isHeld
  }

  /** Another user has other rights: signals that the last user missed are not for this one. */
  function beginAnew(room: Room): void {
    room.position = undefined
    // A new page begins with its navigation.
    if (!visited.has(room.name)) return
    room.wantedSince = performance.now()
    onGap({ room: room.name, reason: 'user' })
  }

  function leave(name: string): void {
    if (send({ type: 'leave', room: name })) asked.delete(name)
  }

  function leaveUnlessWanted(room: Room): void {
    if (room.listeners > 0 || rooms.get(room.name) !== room) return
    clearTimeout(room.timer)
    rooms.delete(room.name)
    leave(room.name)
  }

  function moveTo(room: Room, { epoch, offset, id }: Position): void {
    const { position } = room
    const hasSameOffset = position?.offset === offset
    // Within one epoch a position never goes back.
    if (position?.epoch === epoch && position.offset >= offset) return
    room.position = { epoch, offset, id: id ?? (hasSameOffset ? position.id : undefined) }
    remembered.delete(room.name)
  }

  function onSignal(room: Room, frame: SignalFrame): void {
    const { offset, id } = frame
    const { position, state, head } = room
    // Offset 0 means a server without positions.
    if (offset > 0) {
      if (state !== 'joined' || (position && offset <= position.offset)) return
      if (!position || offset > position.offset + 1) return rejoin(room)
      room.position = { epoch: position.epoch, offset, id }
    }
    if (!isNew(id)) return
    deliver({ ...frame, epoch: room.position?.epoch ?? '' }, offset > 0 && offset <= head)
  }

  function onJoined(room: Room, frame: JoinedFrame): void {
    if (!takeAnswer(room.name)) return
    const delay = performance.now() - room.askedAt
    const isLate = !room.position && delay > Math.max(PROMPT_ANSWER, room.allowance)
    if (isLate && isEarlyAllowed && frame.recovered) {
      room.allowance = delay
      return join(room)
    }
    if (!visited.has(room.name) && room.wantedSince === 0 && isHtmlOlder()) onGap({ room: room.name, reason: 'cache' })
    visited.add(room.name)
    room.state = 'joined'
    room.head = frame.head
    // Without recovery, the position stays until the gap is reported, so that a broken connection cannot hide the gap.
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
        // Re-rendering stops and restarts receivers in the same task: keep the room joined.
        queueMicrotask(() => leaveUnlessWanted(room))
      }
    },

    requestRooms() {
      isHeld = false
      resetBackoff()
      const requests = [...rooms.values()].map(ask)
      // The relay refuses a hello that is too large.
      if (stringify(requests).length > MAX_HELLO_ROOMS) requests.length = 0
      asked.clear()
      for (const { room } of requests) expectAnswer(room)
      return requests
    },

    settle() {
      for (const name of asked.keys()) if (!rooms.has(name)) leave(name)
      for (const room of rooms.values()) {
        if (!asked.has(room.name)) join(room)
        else if (room.state === 'outside') rejoin(room)
      }
    },

    get user() {
      return user
    },

    hold() {
      isHeld = true
      resetBackoff()
    },

    setUser(next) {
      const isSame = !user || user === next
      user = next
      if (!isSame) {
        rooms.forEach(beginAnew)
        remembered.clear()
      }
      if (isHeld || !isSame) for (const room of rooms.values()) room.state = 'outside'
      isHeld = false
      return isSame
    },

    positions() {
      // In rooms that this page has not entered, the tab keeps the position of its last page.
      const positions = new Map(remembered)
      for (const { name, position } of rooms.values()) if (position) positions.set(name, position)
      return positions
    },

    onFrame(frame) {
      const room = 'room' in frame ? rooms.get(frame.room ?? '') : undefined
      if (!room) return
      switch (frame.type) {
        case 'signal':
          if (!isHeld) onSignal(room, frame)
          return
        case 'joined':
          return onJoined(room, frame)
        case 'gap':
          if (isHeld) return
          moveTo(room, frame)
          return onGap({ room: room.name, reason: frame.reason })
        case 'refused':
          if (takeAnswer(room.name)) room.state = 'outside'
          return
        case 'left':
          room.state = 'outside'
      }
    },
  }
}
