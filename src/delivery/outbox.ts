import { SignalError } from '../errors.js'
import type { SendOutcome, SendResult } from '../signals.js'
import { type Parcel, tooLarge } from './parcel.js'

/** The most that waits to be accepted, in signals and in bytes. */
const MAX_SIGNALS = 256
const MAX_BYTES = 1_048_576

export interface OutboxOptions {
  /** Hands a frame to the connection; false when there is none. */
  readonly send: (text: string) => boolean
  /** Whether the other side answers. Where it does not, handing over is all that can be known. */
  readonly isAnswered: boolean
  readonly onError: (error: SignalError) => void
}

export interface Outbox {
  add(parcel: Parcel): Promise<SendResult>
  /** Takes what another page of the tab left, but for what is here already. */
  adopt(parcels: readonly Parcel[]): void
  /** What waits and is not yet known to be anybody's is this user's. */
  assign(user: string | undefined): void
  /** A new connection, of this user: sends everything that is not accepted, in the order of the calls. */
  flush(user: string | undefined, maxBytes: number): void
  /** The relay answered; an error is told. */
  settle(id: string, outcome: 'accepted' | 'refused', error?: SignalError): void
  /** What is not accepted, in the order of the calls, each with the time that it has left. */
  waiting(): Parcel[]
  /** The relay closed on a frame that was too large: the first one that it has not answered. */
  refuseTooLarge(): void
  close(): void
}

interface Waiting extends Parcel {
  wasHanded?: boolean | undefined
  user?: string | undefined
  /** In milliseconds of `performance.now()`. */
  readonly expiresAt: number
  readonly timer: ReturnType<typeof setTimeout>
  readonly resolve: (result: SendResult) => void
}

/** Keeps every signal until the relay accepted it, in the order of the calls. Each promise settles exactly once. */
export function createOutbox({ send, isAnswered, onError }: OutboxOptions): Outbox {
  const waiting = new Map<string, Waiting>()
  let bytes = 0
  let isClosed = false

  function hand(entry: Waiting): void {
    if (!send(entry.text)) return
    entry.wasHanded = true
    if (!isAnswered) settle(entry.id, 'sent')
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

  function expire({ id, wasHanded }: Waiting): void {
    settle(id, wasHanded ? 'unknown' : 'expired', new SignalError('expired', 'The relay did not accept it in time.'))
  }

  function add(parcel: Parcel): Promise<SendResult> {
    for (const { id, slot, wasHanded } of waiting.values()) {
      if (!slot || slot !== parcel.slot || wasHanded) continue
      settle(id, 'dropped', new SignalError('replaced', 'A newer signal took its place.'))
    }
    return new Promise((resolve) => {
      const entry: Waiting = {
        ...parcel,
        expiresAt: performance.now() + parcel.ttl,
        timer: setTimeout(() => expire(entry), parcel.ttl),
        resolve,
      }
      waiting.set(parcel.id, entry)
      bytes += parcel.bytes
      if (waiting.size > MAX_SIGNALS || bytes > MAX_BYTES) {
        settle(parcel.id, 'dropped', new SignalError('outbox-full', 'Too many signals wait for the relay.'))
      } else hand(entry)
      if (isClosed) close()
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

    assign(user) {
      for (const entry of waiting.values()) entry.user ??= user
    },

    flush(user, maxBytes) {
      for (const entry of waiting.values()) {
        // Whoever was nobody and signs in stays the same person.
        if (entry.user && entry.user !== user) {
          settle(entry.id, 'dropped', new SignalError('refused', 'Another user has sent it from this tab.'))
        } else if (entry.bytes > maxBytes) settle(entry.id, 'refused', tooLarge(entry.bytes))
        else hand(entry)
      }
    },

    settle,

    waiting() {
      const now = performance.now()
      return [...waiting.values()].map(({ id, text, bytes: size, slot, wasHanded, user, expiresAt }) => {
        return { id, text, bytes: size, slot, wasHanded, user, ttl: expiresAt - now }
      })
    },

    refuseTooLarge() {
      for (const { id, wasHanded, bytes: size } of waiting.values()) {
        if (wasHanded) return settle(id, 'refused', tooLarge(size))
      }
    },

    close,
  }
}
