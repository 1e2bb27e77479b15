import { SignalError } from '../errors.js'
import type { SendOutcome, SendResult } from '../signals.js'

/** The most that waits to be accepted, in signals and in bytes. */
const MAX_SIGNALS = 256
const MAX_BYTES = 1_048_576

export interface Parcel {
  readonly id: string
  /** The encoded frame. */
  readonly text: string
  readonly bytes: number
  /** Latest wins among waiting parcels of the same slot. */
  readonly slot: string | undefined
  /** How long it may wait, in milliseconds. */
  readonly ttl: number
}

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
  refuseOldest(error: SignalError): void
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

  function hand(parcel: Waiting): void {
    if (!send(parcel.text)) return
    parcel.wasHanded = true
    if (!isAnswered) parcel.settle('sent')
  }

  function expire(parcel: Waiting): void {
    const text = parcel.wasHanded
      ? 'No answer came in time: the signal may or may not have arrived.'
      : 'The relay could not be reached in time: the signal never left the page.'
    fail(parcel, parcel.wasHanded ? 'unknown' : 'expired', new SignalError('expired', text))
  }

  function fail(parcel: Waiting, outcome: SendOutcome, error: SignalError): void {
    parcel.settle(outcome, error)
    onError(error)
  }

  function replace(slot: string): void {
    for (const parcel of waiting.values()) {
      if (parcel.slot === slot && !parcel.wasHanded) {
        parcel.settle('dropped', new SignalError('replaced', 'A newer signal with the same key took its place.'))
      }
    }
  }

  return {
    add(parcel) {
      if (parcel.slot !== undefined) replace(parcel.slot)
      if (waiting.size >= MAX_SIGNALS || bytes + parcel.bytes > MAX_BYTES) {
        const error = new SignalError('outbox-full', 'Too many signals wait for the relay; this one was not taken.')
        onError(error)
        return Promise.resolve({ id: parcel.id, outcome: 'dropped', error })
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => expire(entry), parcel.ttl)
        const entry: Waiting = {
          ...parcel,
          wasHanded: false,
          settle(outcome, error) {
            clearTimeout(timer)
            waiting.delete(parcel.id)
            bytes -= parcel.bytes
            resolve({ id: parcel.id, outcome, ...(error && { error }) })
          },
        }
        waiting.set(parcel.id, entry)
        bytes += parcel.bytes
        hand(entry)
      })
    },

    flush(maxBytes) {
      for (const parcel of waiting.values()) {
        if (parcel.bytes <= maxBytes) hand(parcel)
        else fail(parcel, 'refused', new SignalError('too-large', `The relay takes at most ${maxBytes} bytes.`))
      }
    },

    accept(ids) {
      for (const id of ids) waiting.get(id)?.settle('accepted')
    },

    refuse(id, error) {
      const parcel = waiting.get(id)
      if (parcel) fail(parcel, 'refused', error)
    },

    refuseOldest(error) {
      for (const parcel of waiting.values()) {
        if (parcel.wasHanded) return fail(parcel, 'refused', error)
      }
    },

    close() {
      const error = new SignalError('closed', 'The client was closed before the relay accepted the signal.')
      for (const parcel of waiting.values()) parcel.settle('closed', error)
    },
  }
}
