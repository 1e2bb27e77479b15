import { SignalError } from '../errors.js'
import { badOption, checkName, checkOptions } from '../options.js'
import { byteLength } from '../protocol/byte-length.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import type { SendOptions } from '../signals.js'
import { MAX_TTL } from './limits.js'

/** A signal that is ready to go. */
export interface Parcel {
  readonly id: string
  /** The encoded frame. */
  readonly text: string
  /** The most that the frame takes when it is sent. */
  readonly bytes: number
  /** Latest wins among waiting parcels of the same slot. */
  readonly slot: string | undefined
  /** How long it may wait, in milliseconds. */
  readonly ttl: number
  /** Whether a socket had it: then nobody knows whether the relay has it too. */
  readonly wasHanded?: boolean | undefined
  /** Who sent it, where a relay has said who that was: empty for nobody. */
  readonly user?: string | undefined
}

const PIPELINED = ',"pipelined":true'

const OPTIONS = { room: 'string', key: 'string', ttl: 'number' }

/**
 * Checks a signal and turns it into text at once, so that later changes of the data do not matter.
 *
 * @throws SignalError `bad-name`, `bad-data`, `bad-option` or `too-large`.
 */
export function createParcel(
  id: string,
  name: string,
  data: unknown,
  options: SendOptions | undefined,
  maxBytes: number,
): Parcel {
  checkOptions(options, OPTIONS)
  const { room = DEFAULT_ROOM, key, ttl = MAX_TTL } = options ?? {}
  checkName(name)
  checkName(room)
  if (!(ttl > 0 && ttl <= MAX_TTL)) throw badOption(`The option "ttl" takes 1 to ${MAX_TTL}, not ${ttl}`)
  const text = toText({ type: 'signal', id, signal: name, data, room: room === DEFAULT_ROOM ? undefined : room })
  const bytes = byteLength(text) + PIPELINED.length
  if (bytes > maxBytes) throw tooLarge(bytes)
  return { id, text, bytes, ttl, slot: key && `${name} ${room} ${key}` }
}

/** The same frame, for a signal that is sent while earlier ones are unanswered. */
export function pipelined(text: string): string {
  return `${text.slice(0, -1)}${PIPELINED}}`
}

export function tooLarge(bytes: number): SignalError {
  return new SignalError('too-large', `The relay does not take ${bytes} bytes: send an id, and fetch the rest.`)
}

function toText(frame: object): string {
  try {
    return JSON.stringify(frame, onlyJson)
  } catch (cause) {
    // What JSON.stringify or a toJSON() throws may quote the data.
    throw new SignalError(
      'bad-data',
      'The data is not JSON: see error.cause. Send plain values, no functions, BigInts, NaN or loops.',
      cause,
    )
  }
}

/** Refuses what JSON.stringify would leave out or turn into null without a word. */
function onlyJson(_key: string, value: unknown): unknown {
  if (
    typeof value === 'function' ||
    typeof value === 'symbol' ||
    (typeof value === 'number' && !Number.isFinite(value))
  ) {
    throw new TypeError(`it holds a ${typeof value} that JSON has no form for`)
  }
  return value
}
