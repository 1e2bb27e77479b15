import * as CloseCode from '../../../src/protocol/close-codes.js'
import { isPageId } from '../../../src/protocol/codec.js'
import type { ClientFrame, HelloFrame, RoomRequest, SendFrame } from '../../../src/protocol/frames.js'
import { isName } from '../../../src/protocol/names.js'
import { publicTab, type Access } from '../access/access.js'
import type { Lane } from '../output/writer.js'
import type { ConcurrencyLimit } from '../limits/concurrency.js'
import { takeIn, type Bearer } from '../access/prepare-signal.js'
import { NAME_RULE, type Refusal } from '../access/validate-signal.js'
import type { RetryingLog } from '../log/retry.js'
import type { Rights } from '../access/rights.js'
import type { Rooms } from '../rooms/rooms.js'
import { SenderEpochs } from '../log/sender-epochs.js'

/** A frame that has its turn, and when it came. */
export interface Arrival {
  readonly frame: Exclude<ClientFrame, { type: 'ping' }>
  readonly at: number
}

/** What the sessions of a relay share. */
export interface SessionOptions {
  readonly access: Access
  readonly log: RetryingLog
  readonly rooms: Rooms
  /** Counts the connections of each user. */
  readonly users: ConcurrencyLimit
  /** What every welcome says. */
  readonly terms: { readonly beat: number; readonly maxBytes: number; readonly window: number }
  readonly maxRooms: number
}

/** `greeting`: nothing but hello is taken. `open`: welcome has been said. */
type State =
  | { readonly state: 'greeting' }
  | { readonly state: 'open'; readonly tab: string; readonly bearer: Bearer; readonly user: string | undefined }

const GREETING: State = { state: 'greeting' }

/** What a connection says and may, from hello on. */
export class Session {
  readonly #lane: Lane
  readonly #options: SessionOptions
  readonly #joined = new Set<string>()
  #state = GREETING
  #expiry: NodeJS.Timeout | undefined

  constructor(lane: Lane, options: SessionOptions) {
    this.#lane = lane
    this.#options = options
  }

  /** To be called for one frame after the other. */
  handle({ frame, at }: Arrival): Promise<void> | undefined {
    if (frame.type === 'hello') return this.#greet(frame)
    const state = this.#state
    if (state.state === 'greeting') return undefined
    switch (frame.type) {
      case 'signal':
        return this.#take(frame, state.bearer)
      case 'join':
        return this.#join(frame, state.bearer.rights, at)
      case 'leave':
        return this.#leave(frame.room)
      case 'token':
        return this.#renew(frame.token, state)
    }
  }

  /** Ends the connection if its rights are not good any more. */
  review(): void {
    const state = this.#state
    if (state.state === 'open' && !this.#options.access.areGood(state.bearer.rights)) this.#endUnauthorized()
  }

  /** Lets go of everything. */
  end(): void {
    const { rooms, users } = this.#options
    const state = this.#state
    clearTimeout(this.#expiry)
    for (const room of this.#joined) rooms.leave(room, this.#lane)
    this.#joined.clear()
    if (state.state === 'open' && state.user !== undefined) users.release(state.user)
    this.#state = GREETING
  }

  /** The rooms of the hello come as joins after it. */
  async #greet({ tab: secret, token }: HelloFrame): Promise<void> {
    const { access, users } = this.#options
    const rights = await access.rightsOf(token)
    if (this.#lane.isOver) return
    if (!rights) return this.#endUnauthorized()
    const { user } = rights
    if (user !== undefined && !users.acquire(user)) {
      return this.#lane.end(CloseCode.TooMany, 'too many connections of this user')
    }
    const tab = publicTab(secret)
    const sender = { tab, ...(user !== undefined && { user }) }
    this.#welcome(tab, { sender, rights, isOwnId: isPageId, epochs: new SenderEpochs() })
  }

  /** Says what is agreed on, at first and whenever the rights change. */
  #welcome(tab: string, bearer: Bearer): void {
    const { user, expires } = bearer.rights
    this.#state = { state: 'open', tab, bearer, user }
    this.#watchExpiry(expires)
    this.#lane.say({
      type: 'welcome',
      v: VERSION,
      tab,
      ...(user !== undefined && { user }),
      ...(expires !== undefined && { expires }),
      ...this.#options.terms,
    })
  }

  async #take(frame: SendFrame, bearer: Bearer): Promise<void> {
    const lane = this.#lane
    if (!frame.pipelined) bearer.epochs.clear()
    const refusal = await takeIn(frame, bearer, this.#options.log, () => lane.isOver)
    if (refusal) lane.say({ type: 'refused', id: frame.id, ...refusal })
    else lane.accept(frame.id)
  }

  async #join({ room, since }: RoomRequest, rights: Rights, at: number): Promise<void> {
    if (this.#lane.isOver) return
    const refusal = this.#refuseRoom(room, rights)
    if (refusal) return this.#lane.say({ type: 'refused', room, ...refusal })
    this.#joined.add(room)
    // What is asked for grew older while the frame waited its turn.
    const waited = performance.now() - at
    const aged = since && 'age' in since ? { age: since.age + waited } : since
    await this.#options.rooms.join(room, this.#lane, aged)
  }

  #refuseRoom(room: string, rights: Rights): Refusal | undefined {
    const { maxRooms } = this.#options
    if (!isName(room)) return { code: 'bad-name', text: `The room's name is not legal. ${NAME_RULE}` }
    if (!(rights.join?.(room) ?? true)) return { code: 'denied', text: 'You may not hear this room.' }
    if (this.#joined.has(room) || this.#joined.size < maxRooms) return undefined
    return { code: 'too-many', text: `A connection may be in ${maxRooms} rooms. Leave one first.` }
  }

  #leave(room: string): undefined {
    if (this.#joined.delete(room)) this.#options.rooms.leave(room, this.#lane)
  }

  async #renew(token: string, { tab, bearer, user }: Extract<State, { state: 'open' }>): Promise<void> {
    const rights = await this.#options.access.rightsOf(token)
    if (this.#lane.isOver) return
    if (!rights || rights.user !== user) return this.#endUnauthorized()
    this.#welcome(tab, { ...bearer, rights })
    for (const room of this.#joined) {
      if (rights.join?.(room) ?? true) continue
      this.#leave(room)
      this.#lane.say({ type: 'left', room, code: 'denied' })
    }
  }

  #watchExpiry(expires: number | undefined): void {
    clearTimeout(this.#expiry)
    if (expires === undefined) return
    const wait = Math.min(Math.max(expires - Date.now(), 0), LONGEST_TIMER)
    const check = (): void => (Date.now() < expires ? this.#watchExpiry(expires) : this.#endUnauthorized())
    this.#expiry = setTimeout(check, wait)
    this.#expiry.unref()
  }

  // One text for every cause: what is wrong with a token is nobody's business but its owner's.
  #endUnauthorized(): void {
    this.#lane.end(CloseCode.Unauthorized, 'the token is missing, wrong or expired')
  }
}

/** The version of the protocol that is spoken here. */
export const VERSION = 1
const LONGEST_TIMER = 2_147_483_647
