import * as CloseCode from '../../src/protocol/close-codes.js'
import { isPageId } from '../../src/protocol/codec.js'
import type { ClientFrame, HelloFrame, RoomRequest, SendFrame } from '../../src/protocol/frames.js'
import { isName } from '../../src/protocol/names.js'
import { publicTab, type Access } from './access/access.js'
import type { Lane } from './fan-out.js'
import type { Headcount } from './limits/headcount.js'
import { takeIn, type Bearer } from './intake.js'
import { NAME_RULE, type Refusal } from './limits/limits.js'
import type { PatientLog } from './log/patient.js'
import type { Rights } from './access/rights.js'
import type { Rooms } from './rooms.js'

/** A frame that has its turn, and when it came. */
export interface Arrival {
  readonly frame: Exclude<ClientFrame, { type: 'ping' }>
  readonly at: number
}

export interface SessionOptions {
  readonly lane: Lane
  readonly access: Access
  readonly log: PatientLog
  readonly rooms: Rooms
  /** Counts the connections of each user. */
  readonly users: Headcount
  /** What every welcome says. */
  readonly terms: { readonly v: number; readonly beat: number; readonly maxBytes: number; readonly window: number }
  readonly maxRooms: number
}

/** What a connection says and may, from hello on. */
export interface Session {
  /** To be called for one frame after the other. */
  handle(arrival: Arrival): Promise<void> | undefined
  /** Ends the connection if its rights are not good any more. */
  review(): void
  /** Lets go of everything. */
  end(): void
}

/** `greeting`: nothing but hello is taken. `open`: welcome has been said. */
type State =
  | { readonly state: 'greeting' }
  | { readonly state: 'open'; readonly tab: string; readonly bearer: Bearer; readonly user: string | undefined }

export function createSession({ lane, access, log, rooms, users, terms, maxRooms }: SessionOptions): Session {
  const joined = new Set<string>()
  let state: State = { state: 'greeting' }
  let expiry: NodeJS.Timeout | undefined

  async function greet({ tab: secret, token, rooms: requests }: HelloFrame, at: number): Promise<void> {
    const rights = await access.rightsOf(token)
    if (lane.isOver) return
    if (!rights) return endUnauthorized()
    const { user } = rights
    if (user !== undefined && !users.enter(user))
      return lane.end(CloseCode.TooMany, 'too many connections of this user')
    const tab = publicTab(secret)
    const sender = { tab, ...(user !== undefined && { user }) }
    welcome(tab, { sender, rights, isOwnId: isPageId })
    for (const request of requests) await join(request, rights, at)
  }

  /** Says what is agreed on, at first and whenever the rights change. */
  function welcome(tab: string, bearer: Bearer): void {
    const { user, expires } = bearer.rights
    state = { state: 'open', tab, bearer, user }
    watchExpiry(expires)
    lane.say({
      type: 'welcome',
      tab,
      ...(user !== undefined && { user }),
      ...(expires !== undefined && { expires }),
      ...terms,
    })
  }

  async function take(frame: SendFrame, bearer: Bearer): Promise<void> {
    const refusal = await takeIn(frame, bearer, log, () => lane.isOver)
    if (refusal) lane.say({ type: 'refused', id: frame.id, ...refusal })
    else lane.accept(frame.id)
  }

  async function join({ room, since }: RoomRequest, rights: Rights, at: number): Promise<void> {
    if (lane.isOver) return
    const refusal = refuseRoom(room, rights)
    if (refusal) return lane.say({ type: 'refused', room, ...refusal })
    joined.add(room)
    // What is asked for grew older while the frame waited its turn.
    const waited = performance.now() - at
    await rooms.join(room, lane, since && 'age' in since ? { age: since.age + waited } : since)
  }

  function refuseRoom(room: string, rights: Rights): Refusal | undefined {
    if (!isName(room)) return { code: 'bad-name', text: `The room's name is not legal. ${NAME_RULE}` }
    if (!(rights.join?.(room) ?? true)) return { code: 'denied', text: 'You may not hear this room.' }
    if (joined.has(room) || joined.size < maxRooms) return undefined
    return { code: 'too-many', text: `A connection may be in ${maxRooms} rooms. Leave one first.` }
  }

  function leave(room: string): undefined {
    if (joined.delete(room)) rooms.leave(room, lane)
  }

  async function renew(token: string, { tab, bearer, user }: Extract<State, { state: 'open' }>): Promise<void> {
    const rights = await access.rightsOf(token)
    if (lane.isOver) return
    if (!rights || rights.user !== user) return endUnauthorized()
    welcome(tab, { ...bearer, rights })
    for (const room of joined) {
      if (rights.join?.(room) ?? true) continue
      leave(room)
      lane.say({ type: 'left', room, code: 'denied' })
    }
  }

  function watchExpiry(expires: number | undefined): void {
    clearTimeout(expiry)
    if (expires === undefined) return
    const wait = Math.min(Math.max(expires - Date.now(), 0), LONGEST_TIMER)
    expiry = setTimeout(() => (Date.now() < expires ? watchExpiry(expires) : endUnauthorized()), wait)
    expiry.unref()
  }

  // One text for every cause: what is wrong with a token is nobody's business but its owner's.
  function endUnauthorized(): void {
    lane.end(CloseCode.Unauthorized, 'the token is missing, wrong or expired')
  }

  return {
    handle({ frame, at }) {
      if (frame.type === 'hello') return greet(frame, at)
      if (state.state === 'greeting') return undefined
      switch (frame.type) {
        case 'signal':
          return take(frame, state.bearer)
        case 'join':
          return join(frame, state.bearer.rights, at)
        case 'leave':
          return leave(frame.room)
        case 'token':
          return renew(frame.token, state)
      }
    },
    review() {
      if (state.state === 'open' && !access.areGood(state.bearer.rights)) endUnauthorized()
    },
    end() {
      clearTimeout(expiry)
      for (const room of joined) rooms.leave(room, lane)
      joined.clear()
      if (state.state === 'open' && state.user !== undefined) users.leave(state.user)
      state = { state: 'greeting' }
    },
  }
}

const LONGEST_TIMER = 2_147_483_647
