import { SignalError } from '../errors.js'
import type { SendOutcome, SendResult } from '../signals.js'
import { type OutgoingSignal, pipelined, tooLarge } from './outgoing-signal.js'
import { MAX_SIGNALS, MAX_BYTES, RESEND_MARGIN } from './limits.js'

export interface OutboxOptions {
  /** Sends a frame; returns false if there is no connection. */
  readonly send: (text: string) => boolean
  readonly onError: (error: SignalError) => void
}

export interface Outbox {
  add(signal: OutgoingSignal): Promise<SendResult>
  /** Adds the signals of another page of the tab, unless they are here already. */
  adopt(signals: readonly OutgoingSignal[]): void
  /** Assigns unowned signals to this user, and returns those that the user may send. */
  assignOwner(user: string | undefined): OutgoingSignal[]
  /** Sends unaccepted signals in the order of the calls; on a new connection, also those that the last one has sent. */
  flush(session: Session, isNewConnection: boolean): void
  /** Marks a signal as possibly received by the relay. */
  markSent(id: string): void
  /** Ends a signal with the answer of the relay, and reports an error. */
  settle(id: string, outcome: 'accepted' | 'sent' | 'refused', error?: SignalError): void
  /** Returns the unaccepted signals in the order of the calls, each with its remaining time. */
  waiting(): OutgoingSignal[]
  /** Refuses the largest unanswered signal: the relay has closed the connection because of a frame's size. */
  refuseTooLarge(): void
  close(): void
}

/** The facts of the relay's welcome. */
export interface Session {
  /** The public name of the page, by which it recognizes its own signals. */
  readonly tab: string
  /** The user of the present token, empty for none; undefined before the first welcome. */
  readonly user: string | undefined
  readonly maxBytes: number
  /** How long the relay remembers ids (ms). */
  readonly window: number
}

interface Waiting extends OutgoingSignal {
  wasSent?: boolean | undefined
  user?: string | undefined
  /** On the clock of `performance.now()` (ms). */
  expiresAt: number
  timer: ReturnType<typeof setTimeout> | undefined
  readonly resolve: (result: SendResult) => void
}

/** Keeps every signal until the relay has accepted it, in the order of the calls. Each promise settles exactly once. */
export function createOutbox({ send, onError }: OutboxOptions): Outbox {
  const waiting = new Map<string, Waiting>()
  let bytes = 0
  let isClosed = false
  /** How long a sent signal may be resent (ms): after that, the relay would log it twice. */
  let resendable = Infinity

  function expireIn(entry: Waiting, ttl: number): void {
    clearTimeout(entry.timer)
    entry.expiresAt = performance.now() + ttl
    entry.timer = setTimeout(() => fail(entry, 'expired', notInTime(entry)), ttl)
  }

  function markSent(entry: Waiting): void {
    if (!entry.wasSent && entry.expiresAt - performance.now() > resendable) expireIn(entry, resendable)
    entry.wasSent = true
  }

  function transmit(entry: Waiting): void {
    const [oldest] = waiting.keys()
    if (!send(oldest === entry.id ? entry.text : pipelined(entry.text))) return
    markSent(entry)
  }

  function settle(id: string, outcome: SendOutcome, error?: SignalError): void {
    const entry = waiting.get(id)
    if (!entry) return
    clearTimeout(entry.timer)
    waiting.delete(id)
    bytes -= entry.bytes
    entry.resolve({ id, outcome, error })
    // The application caused these outcomes itself: do not report them.
    if (error && outcome !== 'closed' && error.code !== 'replaced') onError(error)
  }

  /** Ends a signal that may or may not have reached the relay. */
  function fail({ id, wasSent }: Waiting, unless: SendOutcome, error: SignalError): void {
    settle(id, wasSent ? 'unknown' : unless, error)
  }

  function add(signal: OutgoingSignal): Promise<SendResult> {
    const { id, replaceKey, ttl } = signal
    const older = [...waiting.values()].find((entry) => replaceKey && entry.replaceKey === replaceKey && !entry.wasSent)
    const size = waiting.size + (older ? 0 : 1)
    const isFull = size > MAX_SIGNALS || bytes + signal.bytes - (older?.bytes ?? 0) > MAX_BYTES
    return new Promise((resolve) => {
      const entry: Waiting = {
        ...signal,
        expiresAt: 0,
        timer: undefined,
        resolve,
      }
      expireIn(entry, ttl)
      waiting.set(id, entry)
      bytes += signal.bytes
      if (isClosed) close()
      else if (isFull) settle(id, 'dropped', full())
      else {
        if (older) settle(older.id, 'dropped', new SignalError('replaced', 'A newer signal took its place.'))
        transmit(entry)
      }
    })
  }

  function list(): OutgoingSignal[] {
    const now = performance.now()
    return [...waiting.values()].map(({ id, text, bytes: size, replaceKey, wasSent, user, expiresAt }) => {
      return { id, text, bytes: size, replaceKey, wasSent, user, ttl: expiresAt - now }
    })
  }

  function close(): void {
    isClosed = true
    for (const id of waiting.keys()) settle(id, 'closed', new SignalError('closed', 'The client was closed.'))
  }

  return {
    add,

    adopt(signals) {
      for (const signal of signals) if (!waiting.has(signal.id)) void add(signal)
    },

    assignOwner(user) {
      for (const entry of waiting.values()) entry.user ||= user
      return list().filter((signal) => !signal.user || signal.user === user)
    },

    flush({ user, maxBytes, window }, isNewConnection) {
      resendable = Math.max(window / 2, window - RESEND_MARGIN)
      for (const entry of waiting.values()) {
        // Signals sent before sign-in are kept for the user who signs in.
        if (entry.user && entry.user !== user) fail(entry, 'dropped', ofAnother())
        else if (entry.bytes > maxBytes) settle(entry.id, 'refused', tooLarge(entry.bytes))
        else if (isNewConnection || !entry.wasSent) transmit(entry)
      }
    },

    markSent(id) {
      const entry = waiting.get(id)
      if (entry) markSent(entry)
    },

    waiting: list,
    settle,

    refuseTooLarge() {
      let largest: Waiting | undefined
      for (const entry of waiting.values()) if (entry.wasSent && entry.bytes > (largest?.bytes ?? 0)) largest = entry
      if (largest) settle(largest.id, 'refused', tooLarge(largest.bytes))
    },

    close,
  }
}

function full(): SignalError {
  return new SignalError('outbox-full', 'Too many signals wait: send fewer or use a key.')
}

function notInTime({ wasSent }: OutgoingSignal): SignalError {
  const advice = wasSent ? 'Send it again, if twice does no harm.' : 'Send it again.'
  return new SignalError('expired', `The relay did not accept it in time. ${advice}`)
}

function ofAnother(): SignalError {
  return new SignalError('refused', 'The signal was queued by another user of this tab.')
}
