import { SignalError } from '../errors.js'
import * as CloseCode from '../protocol/close-codes.js'
import { decodeSend } from '../protocol/codec.js'
import type { JsonValue, RelayFrame } from '../protocol/frames.js'
import { createId } from '../protocol/id.js'
import { DEFAULT_ROOM, isName } from '../protocol/names.js'
import type { RegisteredSignals, SendArguments, SendOptions, SignalMap, SignalName, Stop } from '../signals.js'
import { createLog } from './log.js'
import { type Line, listen, type Refusal } from './mock-server.js'
import { createPeer, type Peer } from './peer.js'

export interface TestRelayOptions {
  /** The address that the client is given: wss:, ws:, https:, http: or relative to the page. @default '/signals' */
  readonly url?: string
}

/** A signal that a page sent and the relay accepted. */
export interface SentSignal {
  readonly name: string
  readonly data: JsonValue | undefined
  readonly room: string
  readonly id: string
}

/** A relay in memory, for the tests of an application. */
export interface TestRelay<Signals extends SignalMap = RegisteredSignals> {
  /** The absolute address, for `createSignalClient({ url })`. */
  readonly url: string
  /** What pages sent, in order, each once however often it was resent. */
  readonly sent: readonly SentSignal[]

  /**
   * Sends a signal as another page would. Pages that are connected get it at once, others when they come back. Of the
   * options only `room` matters here.
   *
   * @throws SignalError `bad-name`.
   */
  send<Name extends SignalName<Signals>>(name: Name, ...rest: SendArguments<Signals[Name]>): void

  /** Cuts every connection, as a network does. The pages come back by themselves. */
  drop(): void

  /**
   * Ends every connection that is made from now on, until the returned function is called: 4401 for a bad token, 4503 for
   * a relay that restarts, 1006 for one that cannot be reached.
   */
  refuse(code: number, reason?: string): Stop

  /** Loses all that was logged: pages that are connected are told of a gap at once, others when they come back. */
  gap(): void

  /** Everything that the relay says from now on comes so many milliseconds late; 0 ends that. */
  delay(milliseconds: number): void

  /** Ends every connection, and gives the page its own WebSocket back. Close the clients first. */
  close(): void
}

/** Pages that a relay sends away for good do not dial the environment's own WebSocket while other tests run. */
const LONG_AWAY = 240_000

/**
 * Starts a relay in memory, on mock-socket, that speaks the protocol of the real one. Until it is closed,
 * `globalThis.WebSocket` is mock-socket's, so that clients need nothing but the address. Takes some milliseconds for each
 * step, of real or fake time.
 *
 * @throws SignalError `bad-url` for an address that is none, or where a test relay listens already.
 */
export function createTestRelay<Signals extends SignalMap = RegisteredSignals>(
  options: TestRelayOptions = {},
): TestRelay<Signals> {
  const url = resolve(options.url ?? '/signals')
  const peers = new Map<Peer, Line>()
  const names = new Map<string, string>()
  const sent: SentSignal[] = []
  let refusal: Refusal | undefined
  let lateness = 0

  function tell(room: string, frame: RelayFrame): void {
    for (const peer of peers.keys()) if (peer.isIn(room)) peer.say(frame)
  }
  const log = createLog((frame) => tell(frame.room, frame))

  /** The same for all connections of one page, as it must be. */
  function nameOf(secret: string): string {
    const name = names.get(secret) ?? `page-${names.size + 1}`
    names.set(secret, name)
    return name
  }

  function accept(line: Line): Peer {
    const peer = createPeer({
      line,
      log,
      nameOf,
      onSent: ({ signal: name, data, room = DEFAULT_ROOM, id }) => sent.push({ name, data, room, id }),
      onEnd: () => peers.delete(peer),
    })
    peers.set(peer, line)
    return peer
  }

  const stop = listen({ url, delay: () => lateness, refusal: () => refusal, accept })
  let isClosed = false

  return {
    url,
    sent,

    send(name, ...rest) {
      const [data, { room = DEFAULT_ROOM } = {}] = rest as [data?: unknown, options?: SendOptions]
      if (!isName(name) || !isName(room)) throw new SignalError('bad-name', `${name} or ${room} is not a legal name.`)
      // Through text, as on every line: what the test does with its data later is nobody's business.
      const frame = decodeSend(JSON.parse(JSON.stringify({ id: createId(), signal: name, data, room })))
      if (frame) log.append(frame, { tab: 'another-page' })
    },

    drop() {
      for (const line of peers.values()) line.cut()
    },

    refuse(code, reason = '') {
      const mine = { code, reason }
      refusal = mine
      return () => {
        if (refusal === mine) refusal = undefined
      }
    },

    gap() {
      for (const gap of log.forget()) tell(gap.room, gap)
    },

    delay(milliseconds) {
      lateness = milliseconds
    },

    close() {
      if (isClosed) return
      isClosed = true
      let retryAfter = LONG_AWAY
      for (const [peer, line] of peers) {
        peer.say({ type: 'goodbye', retryAfter: retryAfter++, reason: 'the test relay was closed' })
        line.close(CloseCode.Restart, '')
      }
      stop()
    },
  }
}

function resolve(url: string): string {
  const base = globalThis.location?.href
  if (!URL.canParse(url, base))
    throw new SignalError('bad-url', 'Without a page the url must be like ws://relay.test/.')
  return new URL(url, base).href.replace(/^http/, 'ws')
}
