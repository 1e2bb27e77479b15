import { byteLength } from '../protocol/byte-length.js'
import * as CloseCode from '../protocol/close-codes.js'
import { decodeClientFrame, encode, isPageId, parse } from '../protocol/codec.js'
import type { RefusalCode, RelayFrame, RoomRequest, SendFrame } from '../protocol/frames.js'
import { DEFAULT_MAX_BYTES, DEFAULT_ROOM, isName } from '../protocol/names.js'
import type { Log } from './log.js'
import { type Connection, type ConnectionEvents, TRANSIT } from './mock-connections.js'

/** The connection of one page, from its first frame on. */
export interface Peer extends ConnectionEvents {
  isIn(room: string): boolean
  send(frame: RelayFrame): void
}

export interface PeerOptions {
  readonly connection: Connection
  readonly log: Log
  /** Returns the public name of the page with a secret. */
  readonly nameOf: (secret: string) => string
  readonly onSent: (signal: SendFrame) => void
  readonly onEnd: () => void
}

const VERSION = 1
const TERMS = { v: VERSION, beat: 25_000, maxBytes: DEFAULT_MAX_BYTES, window: 900_000 }
const UNSUPPORTED_DATA = 1003

/** Answers one page as `examples/relay/PROTOCOL.md` specifies. */
export function createPeer({ connection, log, nameOf, onSent, onEnd }: PeerOptions): Peer {
  const rooms = new Set<string>()
  let tab: string | undefined
  let beat: ReturnType<typeof setTimeout> | undefined

  function send(frame: RelayFrame): void {
    clearTimeout(beat)
    beat = setTimeout(() => send({ type: 'beat' }), TERMS.beat)
    connection.send(encode(frame))
  }

  function onMessage(data: unknown): void {
    if (typeof data !== 'string') return connection.close(UNSUPPORTED_DATA, 'text frames only')
    if (byteLength(data) > TERMS.maxBytes) return connection.close(CloseCode.MessageTooBig, '')
    const frame = decodeClientFrame(data)
    if (frame.type === 'malformed') return endMalformed(data)
    if (frame.type === 'hello') {
      if (tab !== undefined) return connection.close(CloseCode.BadFrame, 'a second hello')
      tab = nameOf(frame.tab)
      welcome(tab)
      return frame.rooms.forEach(join)
    }
    if (tab === undefined) return connection.close(CloseCode.BadFrame, 'hello comes first')
    switch (frame.type) {
      case 'signal':
        return publish(frame, tab)
      case 'join':
        return join(frame)
      case 'leave':
        return void rooms.delete(frame.room)
      case 'token':
        return welcome(tab)
      case 'ping':
        return send({ type: 'pong' })
    }
  }

  function endMalformed(text: string): void {
    const fields = parse(text)
    const isOfOtherVersion = fields?.type === 'hello' && typeof fields.v === 'number' && fields.v !== VERSION
    if (tab === undefined && isOfOtherVersion) {
      return connection.close(CloseCode.Version, `this relay speaks version ${VERSION}`)
    }
    connection.close(CloseCode.BadFrame, 'not a frame of the protocol')
  }

  function welcome(name: string): void {
    send({ type: 'welcome', ...TERMS, tab: name })
  }

  function join({ room, since }: RoomRequest): void {
    if (!isName(room)) return refuse({ room }, 'bad-name')
    rooms.add(room)
    // The requested age has grown on the way.
    log.resume(room, since?.age === undefined ? since : { ...since, age: since.age + TRANSIT }).forEach(send)
  }

  function publish(signal: SendFrame, name: string): void {
    const { id } = signal
    if (!isPageId(id)) return refuse({ id }, 'bad-data')
    if (!isName(signal.signal) || !isName(signal.room ?? DEFAULT_ROOM)) return refuse({ id }, 'bad-name')
    if (log.append(signal, { tab: name })) onSent(signal)
    send({ type: 'accepted', ids: [id] })
  }

  function refuse(what: { readonly id: string } | { readonly room: string }, code: RefusalCode): void {
    send({ type: 'refused', ...what, code, text: 'The test relay refuses it as a real one would.' })
  }

  return {
    isIn: (room) => rooms.has(room),
    send,
    onMessage,
    onEnd() {
      clearTimeout(beat)
      onEnd()
    },
  }
}
