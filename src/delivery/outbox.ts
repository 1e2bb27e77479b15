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
  /** A new connection: sends everything that is not accepted, in the order of the calls. */
  flush(maxBytes: number): void
  accept(ids: readonly string[]): void
  refuse(id: string, error: SignalError): void
  /** The relay closed on a frame that was too large: the first one that it has not answered. */
  refuseTooLarge(): void
  close(): void
}

interface Waiting extends Parcel {
  /** Once a socket had it, nobody knows whether the relay has it too. */
  wasHanded: boolean
  settle(outcome: SendOutcome, error?: SignalError): void
}

/** Keeps every signal until the relay accepted it, in the order of the calls. Each promise settles exactly once. */
export function createOutbox({ send, isAnswered, onError }: OutboxOptions): Outbox {
  const waiting = new Map<string, Waiting>()
  let bytes = 0
  let isClosed = false

  function hand(parcel: Waiting): void {
    if (!send(parcel.text)) return
    parcel.wasHanded = true
    if (!isAnswered) parcel.settle('sent')
  }

  function fail(parcel: Waiting | undefined, outcome: SendOutcome, error: SignalError): void {
    if (!parcel) return
    parcel.settle(outcome, error)
    onError(error)
  }

  function expire(parcel: Waiting): void {
    if (parcel.wasHanded) fail(parcel, 'unknown', new SignalError('expired', 'No answer came; it may have arrived.'))
    else fail(parcel, 'expired', new SignalError('expired', 'The relay could not be reached in time.'))
  }

  function settleAll(isMeant: (parcel: Waiting) => unknown, outcome: SendOutcome, error: SignalError): void {
    for (const parcel of waiting.values()) if (isMeant(parcel)) parcel.settle(outcome, error)
  }

  return {
    add(parcel) {
      const { id, slot, ttl } = parcel
      if (slot) {
        const error = new SignalError('replaced', 'A newer signal with its key took its place.')
        settleAll((other) => other.slot === slot && !other.wasHanded, 'dropped', error)
      }
      return new Promise((resolve) => {
        const entry: Waiting = {
          ...parcel,
          wasHanded: false,
          settle(outcome, error) {
            clearTimeout(timer)
            waiting.delete(id)
            bytes -= parcel.bytes
            resolve({ id, outcome, error })
          },
        }
        const timer = setTimeout(expire, ttl, entry)
        waiting.set(id, entry)
        bytes += parcel.bytes
        if (isClosed) entry.settle('closed', new SignalError('closed', 'The client was closed.'))
        else if (waiting.size > MAX_SIGNALS || bytes > MAX_BYTES) {
          fail(entry, 'dropped', new SignalError('outbox-full', 'Too many signals wait for the relay.'))
        } else hand(entry)
      })
    },

    flush(maxBytes) {
      for (const parcel of waiting.values()) {
        if (parcel.bytes <= maxBytes) hand(parcel)
        else fail(parcel, 'refused', tooLarge(parcel.bytes, maxBytes))
      }
    },

    accept(ids) {
      for (const id of ids) waiting.get(id)?.settle('accepted')
    },

    refuse: (id, error) => fail(waiting.get(id), 'refused', error),

    refuseTooLarge() {
      const oldest = [...waiting.values()].find((parcel) => parcel.wasHanded)
      fail(oldest, 'refused', new SignalError('too-large', 'The relay found the signal too large.'))
    },

    close() {
      isClosed = true
      settleAll(() => true, 'closed', new SignalError('closed', 'The client was closed.'))
    },
  }
}
