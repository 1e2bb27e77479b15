import { SignalError } from '../errors.js'
import type { SendOutcome, SendResult } from '../signals.js'
import { type Parcel, pipelined, tooLarge } from './parcel.js'
import { MAX_SIGNALS, MAX_BYTES, RESEND_MARGIN } from './limits.js'

export interface OutboxOptions {
  /** Hands a frame to the connection; false when there is none. */
  readonly send: (text: string) => boolean
  readonly onError: (error: SignalError) => void
}

export interface Outbox {
  add(parcel: Parcel): Promise<SendResult>
  /** Takes what another page of the tab left, but for what is here already. */
  adopt(parcels: readonly Parcel[]): void
  /** Assigns signals without an owner to this user, and returns those that may go out as this user's. */
  claim(user: string | undefined): Parcel[]
  /** Sends what is not accepted, in the order of the calls; on a new connection also what the last one had. */
  flush(session: Session, isNewConnection: boolean): void
  /** Nobody knows any more whether the relay has this one. */
  markHanded(id: string): void
  /** The relay answered; an error is told. */
  settle(id: string, outcome: 'accepted' | 'sent' | 'refused', error?: SignalError): void
  /** What is not accepted, in the order of the calls, each with the time that it has left. */
  waiting(): Parcel[]
  /** The relay closed on a frame that was too large: the largest one that it has not answered. */
  refuseTooLarge(): void
  close(): void
}

/** What the relay said of the connection. */
export interface Session {
  /** The public name of the page, by which its own signals are known when they come back. */
  readonly tab: string
  /** The user of the present token, empty for none; undefined until the relay has named one. */
  readonly user: string | undefined
  readonly maxBytes: number
  /** How long the relay remembers ids (ms). */
  readonly window: number
}

interface Waiting extends Parcel {
  wasHanded?: boolean | undefined
  user?: string | undefined
  /** In milliseconds of `performance.now()`. */
  expiresAt: number
  timer: ReturnType<typeof setTimeout> | undefined
  readonly resolve: (result: SendResult) => void
}

/** Keeps every signal until the relay accepted it, in the order of the calls. Each promise settles exactly once. */
export function createOutbox({ send, onError }: OutboxOptions): Outbox {
  const waiting = new Map<string, Waiting>()
  let bytes = 0
  let isClosed = false
  /** How long a signal that was sent may be sent again: after that, the relay would log it twice. */
  let resendable = Infinity

  function expireIn(entry: Waiting, ttl: number): void {
    clearTimeout(entry.timer)
    entry.expiresAt = performance.now() + ttl
    entry.timer = setTimeout(() => giveUp(entry, 'expired', notInTime(entry)), ttl)
  }

  function markHanded(entry: Waiting): void {
    if (!entry.wasHanded && entry.expiresAt - performance.now() > resendable) expireIn(entry, resendable)
    entry.wasHanded = true
  }

  function hand(entry: Waiting): void {
    const [oldest] = waiting.keys()
    if (!send(oldest === entry.id ? entry.text : pipelined(entry.text))) return
    markHanded(entry)
  }

  function settle(id: string, outcome: SendOutcome, error?: SignalError): void {
    const entry = waiting.get(id)
    if (!entry) return
    clearTimeout(entry.timer)
    waiting.delete(id)
    bytes -= entry.bytes
    entry.resolve({ id, outcome, error })
    // What the application did itself is no news to it.
    if (error && outcome !== 'closed' && error.code !== 'replaced') onError(error)
  }

  /** Gives up on one that the relay may have, or may not. */
  function giveUp({ id, wasHanded }: Waiting, unless: SendOutcome, error: SignalError): void {
    settle(id, wasHanded ? 'unknown' : unless, error)
  }

  function add(parcel: Parcel): Promise<SendResult> {
    const { id, slot, ttl } = parcel
    const older = [...waiting.values()].find((entry) => slot && entry.slot === slot && !entry.wasHanded)
    const size = waiting.size + (older ? 0 : 1)
    const isFull = size > MAX_SIGNALS || bytes + parcel.bytes - (older?.bytes ?? 0) > MAX_BYTES
    return new Promise((resolve) => {
      const entry: Waiting = {
        ...parcel,
        expiresAt: 0,
        timer: undefined,
        resolve,
      }
      expireIn(entry, ttl)
      waiting.set(id, entry)
      bytes += parcel.bytes
      if (isClosed) close()
      else if (isFull) settle(id, 'dropped', full())
      else {
        if (older) settle(older.id, 'dropped', new SignalError('replaced', 'A newer signal took its place.'))
        hand(entry)
      }
    })
  }

  function list(): Parcel[] {
    const now = performance.now()
    return [...waiting.values()].map(({ id, text, bytes: size, slot, wasHanded, user, expiresAt }) => {
      return { id, text, bytes: size, slot, wasHanded, user, ttl: expiresAt - now }
    })
  }

  function close(): void {
    isClosed = true
    for (const id of waiting.keys()) settle(id, 'closed', new SignalError('closed', 'The client was closed.'))
  }

  return {
    add,

    adopt(parcels) {
      for (const parcel of parcels) if (!waiting.has(parcel.id)) void add(parcel)
    },

    claim(user) {
      for (const entry of waiting.values()) entry.user ||= user
      return list().filter((parcel) => !parcel.user || parcel.user === user)
    },

    flush({ user, maxBytes, window }, isNewConnection) {
      resendable = Math.max(window / 2, window - RESEND_MARGIN)
      for (const entry of waiting.values()) {
        // Whoever was nobody and signs in stays the same person.
        if (entry.user && entry.user !== user) giveUp(entry, 'dropped', ofAnother())
        else if (entry.bytes > maxBytes) settle(entry.id, 'refused', tooLarge(entry.bytes))
        else if (isNewConnection || !entry.wasHanded) hand(entry)
      }
    },

    markHanded(id) {
      const entry = waiting.get(id)
      if (entry) markHanded(entry)
    },

    waiting: list,
    settle,

    refuseTooLarge() {
      let largest: Waiting | undefined
      for (const entry of waiting.values()) if (entry.wasHanded && entry.bytes > (largest?.bytes ?? 0)) largest = entry
      if (largest) settle(largest.id, 'refused', tooLarge(largest.bytes))
    },

    close,
  }
}

function full(): SignalError {
  return new SignalError('outbox-full', 'Too many signals wait. Send fewer, or use the option key.')
}

function notInTime({ wasHanded }: Parcel): SignalError {
  const advice = wasHanded ? 'Send it again, if twice does no harm.' : 'Send it again.'
  return new SignalError('expired', `The relay did not accept it in time. ${advice}`)
}

function ofAnother(): SignalError {
  return new SignalError('refused', 'Another user has sent it from this tab.')
}
