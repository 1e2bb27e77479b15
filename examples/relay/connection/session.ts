import * as CloseCode from '../../../src/protocol/close-codes.js'
import { isPageId } from '../../../src/protocol/codec.js'
import type { ClientFrame, HelloFrame, RoomRequest } from '../../../src/protocol/frames.js'
import { isName } from '../../../src/protocol/names.js'
import { publicTab, TOKEN_FAULTS, type Access, type TokenFault } from '../access/access.js'
import type { Writer } from '../output/writer.js'
import type { ConcurrencyLimit } from '../limits/concurrency.js'
import { isRefusal, prepareSignal, type Principal } from '../access/prepare-signal.js'
import { NAME_RULE, type SignalRefusal } from '../access/validate-signal.js'
import type { NewEntry } from '../signal-log/log.js'
import type { RetryingLog } from '../signal-log/retry.js'
import type { Rights } from '../access/rights.js'
import type { Rooms } from '../rooms/rooms.js'
import { SenderEpochs } from '../signal-log/sender-epochs.js'

/** The protocol version of this relay. */
export const VERSION = 1
const MAX_TIMER_DELAY = 2_147_483_647

/** A received frame, and the time at which it arrived. */
export interface ReceivedFrame {
  readonly frame: Exclude<ClientFrame, { type: 'ping' }>
  readonly at: number
}

/** Options that all sessions of a relay share. */
export interface SessionOptions {
  readonly access: Access
  readonly log: RetryingLog
  readonly rooms: Rooms
  /** Limits the connections of each user. */
  readonly users: ConcurrencyLimit
  /** The fields that every welcome contains. */
  readonly terms: { readonly beat: number; readonly maxBytes: number; readonly window: number }
  readonly maxRooms: number
}

/** `greeting`: only hello is handled. `open`: welcome is sent. */
type State =
  | { readonly state: 'greeting' }
  | { readonly state: 'open'; readonly tab: string; readonly principal: Principal; readonly user: string | undefined }

const GREETING: State = { state: 'greeting' }

/** The protocol state of a connection, from hello on. */
export class Session {
  readonly #writer: Writer
  readonly #options: SessionOptions
  readonly #joined = new Set<string>()
  #state = GREETING
  #expiry: NodeJS.Timeout | undefined

  constructor(writer: Writer, options: SessionOptions) {
    this.#writer = writer
    this.#options = options
  }

  /** Handles one frame, or several signals to one room. Call it again when it is done. */
  handle(received: readonly ReceivedFrame[]): Promise<void> | undefined {
    const [first] = received
    if (first?.frame.type === 'hello') return this.#open(first.frame)
    const state = this.#state
    if (!first || state.state === 'greeting') return undefined
    const { frame, at } = first
    switch (frame.type) {
      case 'signal':
        return this.#publish(received, state.principal)
      case 'join':
        return this.#join(frame, state.principal.rights, at)
      case 'leave':
        return this.#leave(frame.room)
      case 'token':
        return this.#renewToken(frame.token, state)
    }
  }

  /** Ends the connection if its rights are no longer valid. */
  recheckRights(): void {
    const state = this.#state
    if (state.state === 'open' && !this.#options.access.areValid(state.principal.rights)) this.#endUnauthorized('wrong')
  }

  /** Leaves all rooms and releases all resources. */
  end(): void {
    const { rooms, users } = this.#options
    const state = this.#state
    clearTimeout(this.#expiry)
    for (const room of this.#joined) rooms.leave(room, this.#writer)
    this.#joined.clear()
    if (state.state === 'open' && state.user !== undefined) users.release(state.user)
    this.#state = GREETING
  }

  /** The rooms of the hello follow as joins. */
  async #open({ tab: secret, token }: HelloFrame): Promise<void> {
    const { access, users } = this.#options
    const rights = await access.rightsOf(token)
    if (this.#writer.isEnded) return
    if (typeof rights === 'string') return this.#endUnauthorized(rights)
    const { user } = rights
    if (user !== undefined && !users.acquire(user)) {
      return this.#writer.end(CloseCode.TooMany, 'too many connections of this user')
    }
    const tab = publicTab(secret)
    const sender = { tab, ...(user !== undefined && { user }) }
    this.#welcome(tab, { sender, rights, isValidId: isPageId, epochs: new SenderEpochs() })
  }

  /** Sends welcome, at first and whenever the rights change. */
  #welcome(tab: string, principal: Principal): void {
    const { user, expires } = principal.rights
    this.#state = { state: 'open', tab, principal, user }
    this.#watchExpiry(expires)
    this.#writer.send({
      type: 'welcome',
      v: VERSION,
      tab,
      ...(user !== undefined && { user }),
      ...(expires !== undefined && { expiresIn: Math.max(0, Math.floor(expires - Date.now())) }),
      ...this.#options.terms,
    })
  }

  async #publish(received: readonly ReceivedFrame[], principal: Principal): Promise<void> {
    const entries: NewEntry[] = []
    try {
      for (const [index, { frame }] of received.entries()) {
        if (frame.type !== 'signal') continue
        if (index === 0 && !frame.pipelined) principal.epochs.clear()
        const entry = prepareSignal(frame, principal)
        if (isRefusal(entry)) this.#writer.send({ type: 'refused', id: frame.id, ...entry })
        else entries.push(entry)
      }
    } finally {
      // A signal whose check throws ends the connection, after the earlier signals.
      if (entries.length > 0) await this.#append(entries)
    }
  }

  async #append(entries: readonly NewEntry[]): Promise<void> {
    const writer = this.#writer
    await this.#options.log.append(entries, () => writer.isEnded)
    for (const { id } of entries) writer.accept(id)
  }

  async #join({ room, since }: RoomRequest, rights: Rights, at: number): Promise<void> {
    if (this.#writer.isEnded) return
    const refusal = this.#refuseRoom(room, rights)
    if (refusal) return this.#writer.send({ type: 'refused', room, ...refusal })
    this.#joined.add(room)
    // The requested age grew while the frame was queued.
    const waited = performance.now() - at
    const aged = since?.age === undefined ? since : { ...since, age: since.age + waited }
    await this.#options.rooms.join(room, this.#writer, aged)
  }

  #refuseRoom(room: string, rights: Rights): SignalRefusal | undefined {
    const { maxRooms } = this.#options
    if (!isName(room)) return { code: 'bad-name', text: `The room's name is invalid. ${NAME_RULE}` }
    if (!(rights.join?.(room) ?? true)) return { code: 'denied', text: 'You may not join this room.' }
    if (this.#joined.has(room) || this.#joined.size < maxRooms) return undefined
    return { code: 'too-many', text: `A connection may be in ${maxRooms} rooms. Leave one first.` }
  }

  #leave(room: string): undefined {
    if (this.#joined.delete(room)) this.#options.rooms.leave(room, this.#writer)
  }

  async #renewToken(token: string, { tab, principal, user }: Extract<State, { state: 'open' }>): Promise<void> {
    const rights = await this.#options.access.rightsOf(token)
    if (this.#writer.isEnded) return
    if (typeof rights === 'string') return this.#endUnauthorized(rights)
    if (rights.user !== user) return this.#endUnauthorized('wrong')
    this.#welcome(tab, { ...principal, rights })
    for (const room of this.#joined) {
      if (rights.join?.(room) ?? true) continue
      this.#leave(room)
      this.#writer.send({ type: 'left', room, code: 'denied' })
    }
  }

  #watchExpiry(expires: number | undefined): void {
    clearTimeout(this.#expiry)
    if (expires === undefined) return
    const wait = Math.min(Math.max(expires - Date.now(), 0), MAX_TIMER_DELAY)
    const check = (): void => (Date.now() < expires ? this.#watchExpiry(expires) : this.#endUnauthorized('expired'))
    this.#expiry = setTimeout(check, wait)
    this.#expiry.unref()
  }

  #endUnauthorized(fault: TokenFault): void {
    this.#writer.end(CloseCode.Unauthorized, TOKEN_FAULTS[fault])
  }
}
