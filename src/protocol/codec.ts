import type { ClientFrame, JsonValue, Position, RelayFrame, RoomRequest, SendFrame, Since } from './frames.js'
import { isName } from './names.js'

type Fields = Readonly<Record<string, unknown>>

/** `unknown`: a frame of a later version; ignore it. `malformed`: no frame, or a frame that breaks the protocol. */
export type Decoded<Frame> = Frame | { readonly type: 'unknown' } | { readonly type: 'malformed' }

const MALFORMED = { type: 'malformed' } as const

/** The most rooms that a hello may list, so that a relay answers it with a bounded number of frames. */
const MAX_HELLO_ROOMS = 256

/** Turns a frame into text. The frame's data must be JSON already. */
export function encode(frame: ClientFrame | RelayFrame): string {
  return JSON.stringify(frame)
}

/** Checks a text that a relay sent. Never throws, whatever the text. */
export function decodeRelayFrame(text: string): Decoded<RelayFrame> {
  const fields = parse(text)
  if (!fields || !isString(fields.type)) return MALFORMED
  const rules = RELAY_FRAMES.get(fields.type)
  if (!rules) return { type: 'unknown' }
  // The rules have just been checked.
  return follows(fields, rules) ? (fields as unknown as RelayFrame) : MALFORMED
}

/** Checks a text that a client sent, and builds the frame from its known fields. Never throws, whatever the text. */
export function decodeClientFrame(text: string): Decoded<ClientFrame> {
  const fields = parse(text)
  if (!fields) return MALFORMED
  const { type } = fields
  switch (type) {
    case 'signal':
      return decodeSend(fields) ?? MALFORMED
    case 'ping':
      return { type }
    case 'hello': {
      const { v, tab, token, rooms } = fields
      const isWhole = v === 1 && isPageId(tab) && isOptionalString(token) && Array.isArray(rooms)
      const requests = isWhole && rooms.length <= MAX_HELLO_ROOMS ? rooms.map(decodeRoomRequest) : [undefined]
      if (!isWhole || !requests.every((request) => request !== undefined)) return MALFORMED
      return { type, v, tab, ...(token !== undefined && { token }), rooms: lastOfEachRoom(requests) }
    }
    case 'join': {
      const request = decodeRoomRequest(fields)
      return request ? { type, ...request } : MALFORMED
    }
    case 'leave':
      return isString(fields.room) ? { type, room: fields.room } : MALFORMED
    case 'token':
      return isString(fields.token) ? { type, token: fields.token } : MALFORMED
  }
  return isString(type) && !RELAY_FRAMES.has(type) ? { type: 'unknown' } : MALFORMED
}

/** Checks a signal of a frame or of a request body. Its name and room may still be illegal. */
export function decodeSend(value: unknown): SendFrame | undefined {
  if (!isFields(value)) return undefined
  const { id, signal, data, room, pipelined } = value
  if (!isString(id) || !isString(signal) || !isOptionalString(room)) return undefined
  return {
    type: 'signal',
    id,
    signal,
    ...(data !== undefined && { data: data as JsonValue }),
    ...(room !== undefined && { room }),
    ...(pipelined === true && { pipelined }),
  }
}

/** Parses untrusted JSON without `__proto__` keys. Returns `undefined` for anything but an object. */
export function parse(text: string): Fields | undefined {
  try {
    // An escape can spell the key as well; both are rare, so the slow way is affordable.
    const mayHidePrototype = text.includes('__proto__') || text.includes('\\u')
    const value: unknown = mayHidePrototype ? JSON.parse(text, dropPrototype) : JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

const PAGE_ID = /^[A-Za-z0-9_-]{22}$/

/** Whether a value has the form of an id of a page: 128 bits in base64url. */
export function isPageId(value: unknown): value is string {
  return isString(value) && PAGE_ID.test(value)
}

type Rules = { readonly [field: string]: (value: unknown) => boolean }

const POSITION: Rules = { epoch: isEpoch, offset: isCount, id: isOptionalString }

/** The fields that each frame of a relay must have. */
const RELAY_FRAMES = new Map<string, Rules>(
  Object.entries({
    signal: { signal: isName, offset: isCount, at: isCount, id: isString, room: isString, sender: isFields },
    accepted: { ids: Array.isArray },
    refused: { code: isString, text: isString, id: isOptionalString, room: isOptionalString },
    welcome: {
      tab: isString,
      user: isOptionalString,
      expiresIn: (value = 0) => isCount(value),
      beat: isCount,
      maxBytes: isCount,
      window: isCount,
    },
    joined: { ...POSITION, room: isName, head: isCount },
    gap: { ...POSITION, room: isName, reason: isString },
    left: { room: isName, code: isString, text: isOptionalString },
    goodbye: { retryAfter: isCount },
    beat: {},
    pong: {},
  } satisfies { readonly [Type in RelayFrame['type']]: Rules }),
)

function follows(fields: Fields, rules: Rules): boolean {
  return Object.keys(rules).every((name) => rules[name]!(fields[name]))
}

function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
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

function isEpoch(value: unknown): boolean {
  return isString(value) && value.length <= 64
}

/** Whether a value is a position in a room. */
export function isPosition(value: unknown): value is Position {
  return isFields(value) && follows(value, POSITION)
}

function decodeRoomRequest(value: unknown): RoomRequest | undefined {
  if (!isFields(value) || !isString(value.room)) return undefined
  if (value.since === undefined) return { room: value.room }
  const since = decodeSince(value.since)
  return since && { room: value.room, since }
}

/** For a room that is listed twice, the last request counts. */
function lastOfEachRoom(requests: readonly RoomRequest[]): RoomRequest[] {
  return [...new Map(requests.map((request) => [request.room, request])).values()]
}

function decodeSince(value: unknown): Since | undefined {
  if (!isFields(value)) return undefined
  const { age } = value
  if (age !== undefined && !isCount(age)) return undefined
  if (value.epoch === undefined && age !== undefined) return { age }
  if (!isPosition(value)) return undefined
  const { epoch, offset, id } = value
  return { epoch, offset, ...(id !== undefined && { id }), ...(age !== undefined && { age }) }
}
