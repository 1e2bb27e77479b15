import type {
  ClientFrame,
  GapFrame,
  JsonValue,
  RefusalCode,
  RelayFrame,
  RoomRequest,
  SendFrame,
  Sender,
  SignalFrame,
  Since,
} from './frames.js'
import { DEFAULT_ROOM, isName } from './names.js'

type Fields = Readonly<Record<string, unknown>>

/** `unknown`: a frame of a later version, to be ignored. `malformed`: not a frame, or one that breaks the protocol. */
export type Decoded<Frame> = Frame | 'unknown' | 'malformed'

/** Turns a frame into text. The frame's data must be JSON already. */
export function encode(frame: ClientFrame | RelayFrame): string {
  return JSON.stringify(frame)
}

/** Checks a text that a relay sent. Never throws, whatever the text. */
export function decodeRelayFrame(text: string): Decoded<RelayFrame> {
  const fields = parse(text)
  if (!fields) return 'malformed'
  const { type, room } = fields
  switch (type) {
    case 'signal':
      return isSignal(fields) ? fields : 'malformed'
    case 'accepted':
      return Array.isArray(fields.ids) && fields.ids.every(isString) ? { type, ids: fields.ids } : 'malformed'
    case 'beat':
    case 'pong':
      return { type }
    case 'welcome':
      return isWelcome(fields) ? fields : 'malformed'
    case 'joined':
      return isJoined(fields) ? fields : 'malformed'
    case 'gap':
      return isGap(fields) ? fields : 'malformed'
    case 'refused':
      return isRefused(fields) ? fields : 'malformed'
    case 'left':
      return isName(room) && isString(fields.code) ? { type, room, code: fields.code as RefusalCode } : 'malformed'
    case 'goodbye':
      return isCount(fields.retryAfter) && isString(fields.reason)
        ? { type, retryAfter: fields.retryAfter, reason: fields.reason }
        : 'malformed'
  }
  return isString(type) ? 'unknown' : 'malformed'
}

/**
 * Reads a signal from a server that broadcasts JSON and knows nothing of the protocol: `{ type: 'signal', signal, data }`.
 * It has no position, which offset 0 says. Anything else gives `undefined`.
 */
export function decodePlainFrame(text: string): SignalFrame | undefined {
  const fields = parse(text)
  if (fields?.type !== 'signal') return undefined
  const frame = decodeSend({ ...fields, id: fields.id ?? '' })
  const room = frame?.room ?? DEFAULT_ROOM
  if (!frame || !isName(frame.signal) || !isName(room)) return undefined
  const [tab, isOurs] = frame.id.split(':')
  return { ...frame, room, offset: 0, at: Date.now(), sender: tab && isOurs ? { tab } : {} }
}

/** Checks a text that a client sent; the frame is made anew from known fields. Never throws, whatever the text. */
export function decodeClientFrame(text: string): Decoded<ClientFrame> {
  const fields = parse(text)
  if (!fields) return 'malformed'
  const { type } = fields
  switch (type) {
    case 'signal':
      return decodeSend(fields) ?? 'malformed'
    case 'ping':
      return { type }
    case 'hello': {
      const { v, tab, token, rooms } = fields
      const isWhole = v === 1 && isPageId(tab) && isOptionalString(token) && Array.isArray(rooms)
      const requests = isWhole ? rooms.map(decodeRoomRequest) : []
      if (!isWhole || !requests.every((request) => request !== undefined)) return 'malformed'
      return { type, v, tab, ...(token !== undefined && { token }), rooms: requests }
    }
    case 'join': {
      const request = decodeRoomRequest(fields)
      return request ? { type, ...request } : 'malformed'
    }
    case 'leave':
      return isString(fields.room) ? { type, room: fields.room } : 'malformed'
    case 'token':
      return isString(fields.token) ? { type, token: fields.token } : 'malformed'
  }
  return isString(type) && !isRelayType(type) ? 'unknown' : 'malformed'
}

/** Checks a signal that was sent in a frame or in the body of a request. Its name and room may still be illegal. */
export function decodeSend(value: unknown): SendFrame | undefined {
  if (!isFields(value)) return undefined
  const { id, signal, data, room } = value
  if (!isString(id) || !isString(signal) || !isOptionalString(room)) return undefined
  return {
    type: 'signal',
    id,
    signal,
    ...(data !== undefined && { data: data as JsonValue }),
    ...(room !== undefined && { room }),
  }
}

/** Reads JSON from outside without letting it smuggle in a prototype. Gives `undefined` for what is not an object. */
export function parse(text: string): Fields | undefined {
  try {
    const value: unknown = MAY_HIDE_PROTOTYPE.test(text) ? JSON.parse(text, dropPrototype) : JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value has the form of an id that a page makes: 128 bits in base64url. */
export function isPageId(value: unknown): value is string {
  return isString(value) && PAGE_ID.test(value)
}

const PAGE_ID = /^[A-Za-z0-9_-]{22}$/

// An escape could spell `__proto__` too; both are rare enough to pay for the slow way.
const MAY_HIDE_PROTOTYPE = /__proto__|\\u/

function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
}

function isRelayType(type: string): boolean {
  const types: readonly string[] = [
    'welcome',
    'joined',
    'accepted',
    'refused',
    'left',
    'gap',
    'beat',
    'pong',
    'goodbye',
  ] satisfies RelayFrame['type'][]
  return types.includes(type)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isOptionalString(value: unknown): value is string | undefined {
  return value === undefined || isString(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isSender(value: unknown): value is Sender {
  return isFields(value) && [value.tab, value.user, value.server].every(isOptionalString)
}

function isSignal(fields: Fields): fields is Fields & Extract<RelayFrame, { type: 'signal' }> {
  return (
    isString(fields.id) &&
    isName(fields.signal) &&
    isName(fields.room) &&
    isCount(fields.offset) &&
    isCount(fields.at) &&
    isSender(fields.sender)
  )
}

function isWelcome(fields: Fields): fields is Fields & Extract<RelayFrame, { type: 'welcome' }> {
  return (
    isCount(fields.v) &&
    isString(fields.tab) &&
    isOptionalString(fields.user) &&
    (fields.expires === undefined || isCount(fields.expires)) &&
    [fields.beat, fields.maxBytes, fields.window].every(isCount)
  )
}

function isPosition(fields: Fields): boolean {
  return isString(fields.epoch) && fields.epoch.length <= 64 && isCount(fields.offset) && isOptionalString(fields.id)
}

function isJoined(fields: Fields): fields is Fields & Extract<RelayFrame, { type: 'joined' }> {
  return isName(fields.room) && isPosition(fields) && isCount(fields.head) && typeof fields.recovered === 'boolean'
}

function isGap(fields: Fields): fields is Fields & GapFrame {
  return (
    isName(fields.room) &&
    (fields.reason === 'epoch' || fields.reason === 'trimmed') &&
    isCount(fields.from) &&
    isPosition(fields)
  )
}

function isRefused(fields: Fields): fields is Fields & Extract<RelayFrame, { type: 'refused' }> {
  return (
    isOptionalString(fields.id) &&
    isOptionalString(fields.room) &&
    (fields.id !== undefined || fields.room !== undefined) &&
    isString(fields.code) &&
    isString(fields.text)
  )
}

function decodeRoomRequest(value: unknown): RoomRequest | undefined {
  if (!isFields(value) || !isString(value.room)) return undefined
  if (value.since === undefined) return { room: value.room }
  const since = decodeSince(value.since)
  return since && { room: value.room, since }
}

function decodeSince(value: unknown): Since | undefined {
  if (!isFields(value)) return undefined
  const { age, epoch, offset, id } = value
  if (age !== undefined) return isCount(age) ? { age } : undefined
  if (!isPosition(value)) return undefined
  return { epoch: epoch as string, offset: offset as number, ...(id !== undefined && { id: id as string }) }
}
