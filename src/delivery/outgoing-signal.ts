import { SignalError } from '../errors.js'
import { badOption, checkName, checkOptions } from '../option-checks.js'
import { keepArray } from '../protocol/stringify.js'
import { byteLength } from '../protocol/byte-length.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import type { SendOptions } from '../signals.js'
import { MAX_TTL } from './limits.js'

/** An encoded signal. */
export interface OutgoingSignal {
  readonly id: string
  /** The encoded frame. */
  readonly text: string
  /** The largest size of the frame (bytes). */
  readonly bytes: number
  /** A signal replaces a waiting one with the same key. */
  readonly replaceKey: string | undefined
  /** How long the signal may wait (ms). */
  readonly ttl: number
  /** Whether the signal was sent: the relay may have received it. */
  readonly wasSent?: boolean | undefined
  /** The sender, if a relay has named one: empty for a visitor. */
  readonly user?: string | undefined
}

const PIPELINED = ',"pipelined":true'

const OPTIONS = { room: 'string', key: 'string', ttl: 'number' }

/**
 * Checks and encodes a signal, so that later changes of the data have no effect.
 *
 * @throws SignalError `bad-name`, `bad-data`, `bad-option` or `too-large`.
 */
export function encodeSignal(
  id: string,
  name: string,
  data: unknown,
  options: SendOptions | undefined,
  maxBytes: number,
): OutgoingSignal {
  checkOptions(options, OPTIONS)
  const { room = DEFAULT_ROOM, key, ttl = MAX_TTL } = options ?? {}
  checkName(name)
  checkName(room)
  if (!(ttl > 0 && ttl <= MAX_TTL)) throw badOption(`The option "ttl" takes 1 to ${MAX_TTL}, not ${ttl}`)
  const text = toText({ type: 'signal', id, signal: name, data, room: room === DEFAULT_ROOM ? undefined : room })
  const bytes = byteLength(text) + PIPELINED.length
  if (bytes > maxBytes) throw tooLarge(bytes)
  return { id, text, bytes, ttl, replaceKey: key && `${name} ${room} ${key}` }
}

/** Returns the frame of a signal that is sent while earlier ones are unanswered. */
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
    // An error of JSON.stringify or toJSON() may quote the data.
    throw new SignalError('bad-data', 'The data is not JSON: see error.cause. Send plain values.', cause)
  }
}

/** The kinds of values that JSON has a form for, besides finite numbers. */
const JSON_KINDS = / (Object|Array|String|Boolean|Null|Undefined)]/

/** Refuses values that JSON.stringify would omit, empty or turn into null. */
function onlyJson(this: Readonly<Record<string, unknown>>, key: string, given: unknown): unknown {
  const value = keepArray(this[key], given)
  const kind = {}.toString.call(value ?? this[key])
  if (!JSON_KINDS.test(kind) && !Number.isFinite(value)) throw new TypeError(`it holds ${kind}`)
  return value
}
