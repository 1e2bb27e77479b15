import { byteLength } from '../protocol/byte-length.js'
import * as CloseCode from '../protocol/close-codes.js'
import { decodeClientFrame, encode, isPageId, parse } from '../protocol/codec.js'
import type { RefusalCode, RelayFrame, RoomRequest, SendFrame } from '../protocol/frames.js'
import { DEFAULT_MAX_BYTES, DEFAULT_ROOM, isName } from '../protocol/names.js'
import type { Log } from './log.js'
import { type Line, type LineEvents, TRANSIT } from './mock-server.js'

/** The connection of one page, from its first frame on. */
export interface Peer extends LineEvents {
  isIn(room: string): boolean
  say(frame: RelayFrame): void
}

export interface PeerOptions {
  readonly line: Line
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
export function createPeer({ line, log, nameOf, onSent, onEnd }: PeerOptions): Peer {
  const rooms = new Set<string>()
  let tab: string | undefined
  let beat: ReturnType<typeof setTimeout> | undefined

  function say(frame: RelayFrame): void {
    clearTimeout(beat)
    beat = setTimeout(() => say({ type: 'beat' }), TERMS.beat)
    line.send(encode(frame))
  }

  function onMessage(data: unknown): void {
    if (typeof data !== 'string') return line.close(UNSUPPORTED_DATA, 'text frames only')
    if (byteLength(data) > TERMS.maxBytes) return line.close(CloseCode.MessageTooBig, '')
    const frame = decodeClientFrame(data)
    if (frame.type === 'malformed') return endMalformed(data)
    if (frame.type === 'hello') {
      if (tab !== undefined) return line.close(CloseCode.BadFrame, 'a second hello')
      tab = nameOf(frame.tab)
      welcome(tab)
      return frame.rooms.forEach(join)
    }
    if (tab === undefined) return line.close(CloseCode.BadFrame, 'hello comes first')
    switch (frame.type) {
      case 'signal':
        return take(frame, tab)
      case 'join':
        return join(frame)
      case 'leave':
        return void rooms.delete(frame.room)
      case 'token':
        return welcome(tab)
      case 'ping':
        return say({ type: 'pong' })
    }
  }

  function endMalformed(text: string): void {
    const fields = parse(text)
    const isOfOtherVersion = fields?.type === 'hello' && typeof fields.v === 'number' && fields.v !== VERSION
    if (tab === undefined && isOfOtherVersion) {
      return line.close(CloseCode.Version, `this relay speaks version ${VERSION}`)
    }
    line.close(CloseCode.BadFrame, 'not a frame of the protocol')
  }

  function welcome(name: string): void {
    say({ type: 'welcome', ...TERMS, tab: name })
  }

  function join({ room, since }: RoomRequest): void {
    if (!isName(room)) return refuse({ room }, 'bad-name')
    rooms.add(room)
    // The requested age has grown on the way.
    log.resume(room, since && 'age' in since ? { age: since.age + TRANSIT } : since).forEach(say)
  }

  function take(signal: SendFrame, name: string): void {
    const { id } = signal
    if (!isPageId(id)) return refuse({ id }, 'bad-data')
    if (!isName(signal.signal) || !isName(signal.room ?? DEFAULT_ROOM)) return refuse({ id }, 'bad-name')
    if (log.append(signal, { tab: name })) onSent(signal)
    say({ type: 'accepted', ids: [id] })
  }

  function refuse(what: { readonly id: string } | { readonly room: string }, code: RefusalCode): void {
    say({ type: 'refused', ...what, code, text: 'The test relay refuses it as a real one would.' })
  }

  return {
    isIn: (room) => rooms.has(room),
    say,
    onMessage,
    onEnd() {
      clearTimeout(beat)
      onEnd()
    },
  }
}
