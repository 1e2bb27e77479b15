import { SignalError } from '../errors.js'
import { encode } from '../protocol/codec.js'
import type { JsonValue } from '../protocol/frames.js'
import { DEFAULT_ROOM, isName } from '../protocol/names.js'
import type { SendOptions } from '../signals.js'
import type { Parcel } from './outbox.js'

/** The relay remembers ids for longer than this, so that no resend can arrive as a new signal. */
const MAX_TTL = 600_000

const OPTIONS = ['room', 'key', 'ttl']

/**
 * Makes a signal ready to go: checked, and turned into text at once, so that later changes of the data do not matter.
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
  checkName(name)
  checkOptions(options, OPTIONS, 'sendSignal')
  const { room = DEFAULT_ROOM, key, ttl = MAX_TTL } = options ?? {}
  checkRoom(room)
  if (!(ttl > 0 && ttl <= MAX_TTL)) {
    throw new SignalError('bad-option', `The option "ttl" must be between 1 and ${MAX_TTL} milliseconds.`)
  }
  const text = toText(id, name, data, room)
  const bytes = new TextEncoder().encode(text).length
  if (bytes > maxBytes) {
    throw new SignalError(
      'too-large',
      `The data of "${name}" makes a frame of ${bytes} bytes and the relay takes ${maxBytes}: send an id, and let the receiver fetch the rest.`,
    )
  }
  return { id, text, bytes, slot: key === undefined ? undefined : JSON.stringify([name, room, key]), ttl }
}

export function checkName(name: unknown): void {
  if (isName(name)) return
  throw new SignalError('bad-name', `${quote(name)} is not a signal name: ${RULE}`)
}

export function checkRoom(room: unknown): void {
  if (isName(room)) return
  throw new SignalError('bad-name', `${quote(room)} is not a room name: ${RULE}`)
}

/** A misspelt option would be silently without effect. */
export function checkOptions(options: object | undefined, known: readonly string[], where: string): void {
  for (const name of Object.keys(options ?? {})) {
    if (known.includes(name)) continue
    throw new SignalError('bad-option', `${where} has no option ${quote(name)}; it has ${known.join(', ')}.`)
  }
}

const RULE = 'it begins with a letter, then letters, digits or _ . : - follow, 128 characters at most.'

function quote(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 40))
}

function toText(id: string, name: string, data: unknown, room: string): string {
  try {
    const json = data === undefined ? undefined : (JSON.parse(JSON.stringify(data, onlyJson)) as JsonValue)
    return encode({
      type: 'signal',
      id,
      signal: name,
      ...(json !== undefined && { data: json }),
      ...(room !== DEFAULT_ROOM && { room }),
    })
  } catch (cause) {
    const why = cause instanceof TypeError || cause instanceof RangeError ? cause.message : ''
    throw new SignalError('bad-data', `The data of "${name}" is not JSON: ${why}`, { cause })
  }
}

/** Refuses what JSON.stringify would leave out or turn into null without a word. */
function onlyJson(_key: string, value: unknown): unknown {
  const kind = typeof value
  const isLost =
    kind === 'function' || kind === 'symbol' || kind === 'bigint' || (kind === 'number' && !Number.isFinite(value))
  if (isLost) throw new TypeError(`it holds a ${kind === 'number' ? 'number that is not finite' : kind}.`)
  return value
}
