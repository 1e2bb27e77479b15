import { SignalError } from '../errors.js'
import * as CloseCode from '../protocol/close-codes.js'
import { decodeSend } from '../protocol/codec.js'
import type { JsonValue, RelayFrame } from '../protocol/frames.js'
import { createId } from '../protocol/id.js'
import { DEFAULT_ROOM, isName } from '../protocol/names.js'
import type { RegisteredSignals, SendArguments, SignalMap, SignalName, Stop } from '../signals.js'
import { createLog } from './log.js'
import { type Connection, listen, type Refusal } from './mock-connections.js'
import { createPeer, type Peer } from './peer.js'

export interface TestRelayOptions {
  /** The address that the client uses: wss:, ws:, https:, http: or relative to the page. @default '/signals' */
  readonly url?: string
}

/** A signal that a page sent and the relay accepted. */
export interface SentSignal {
  readonly name: string
  readonly data: JsonValue | undefined
  readonly room: string
  readonly id: string
}

export interface PublishOptions {
  /** The room of the signal. @default 'main' */
  readonly room?: string
  /** `client.tab` of a page that ignores the signal, as in `POST /publish`. */
  readonly exclude?: string | undefined
}

/** A relay in memory, for the tests of an application. */
export interface TestRelay<Signals extends SignalMap = RegisteredSignals> {
  /** The absolute address, for `createSignalClient({ url })`. */
  readonly url: string
  /** The signals that pages sent, in order, each once, however often it was resent. */
  readonly sent: readonly SentSignal[]

  /**
   * Sends a signal as another page or a backend would. Connected pages get it at once, others when they reconnect.
   *
   * @throws SignalError `bad-name`.
   */
  send<Name extends SignalName<Signals>>(name: Name, ...rest: SendArguments<Signals[Name], PublishOptions>): void

  /** Breaks every connection, as a network does. The pages reconnect by themselves. */
  drop(): void

  /**
   * Ends every new connection until the returned function is called: 4401 for a bad token, 4503 for a relay that restarts,
   * 1006 for an unreachable relay.
   */
  refuse(code: number, reason?: string): Stop

  /** Loses the log: connected pages get a gap at once, others when they reconnect. */
  gap(): void

  /** Delays all further frames of the relay (ms); 0 ends the delay. */
  delay(milliseconds: number): void

  /** Ends every connection, and restores the page's own WebSocket. Close the clients first. */
  close(): void
}

/** Refused pages must not connect to the environment's own WebSocket while other tests run. */
const LONG_AWAY = 240_000

/**
 * Starts a relay in memory, on mock-socket, with the protocol of the real relay. Until it is closed, `globalThis.WebSocket`
 * is mock-socket's, so that clients need the address only. Each step takes some milliseconds of real or fake time.
 *
 * @throws SignalError `bad-url` for a wrong address, or if a test relay listens there already.
 */
export function createTestRelay<Signals extends SignalMap = RegisteredSignals>(
  options: TestRelayOptions = {},
): TestRelay<Signals> {
  const url = resolve(options.url ?? '/signals')
  const peers = new Map<Peer, Connection>()
  const names = new Map<string, string>()
  const sent: SentSignal[] = []
  let refusal: Refusal | undefined
  let frameDelay = 0

  function broadcast(room: string, frame: RelayFrame): void {
    for (const peer of peers.keys()) if (peer.isIn(room)) peer.send(frame)
  }
  const log = createLog((frame) => broadcast(frame.room, frame))

  /** The same for all connections of one page. */
  function nameOf(secret: string): string {
    const name = names.get(secret) ?? `page-${names.size + 1}`
    names.set(secret, name)
    return name
  }

  function accept(connection: Connection): Peer {
    const peer = createPeer({
      connection,
      log,
      nameOf,
      onSent: ({ signal: name, data, room = DEFAULT_ROOM, id }) => sent.push({ name, data, room, id }),
      onEnd: () => peers.delete(peer),
    })
    peers.set(peer, connection)
    return peer
  }

  const stop = listen({ url, delay: () => frameDelay, refusal: () => refusal, accept })
  let isClosed = false

  return {
    url,
    sent,

    send(name, ...rest) {
      const [data, { room = DEFAULT_ROOM, exclude } = {}] = rest as [data?: unknown, options?: PublishOptions]
      if (!isName(name) || !isName(room)) throw new SignalError('bad-name', `${name} or ${room} is not a legal name.`)
      // Encoded and decoded, as on a network: later changes of the data have no effect.
      const frame = decodeSend(JSON.parse(JSON.stringify({ id: createId(), signal: name, data, room })))
      if (frame) log.append({ ...frame, exclude }, { tab: 'another-page' })
    },

    drop() {
      for (const connection of peers.values()) connection.drop()
    },

    refuse(code, reason = '') {
      const mine = { code, reason }
      refusal = mine
      return () => {
        if (refusal === mine) refusal = undefined
      }
    },

    gap() {
      for (const gap of log.forget()) broadcast(gap.room, gap)
    },

    delay(milliseconds) {
      frameDelay = milliseconds
    },

    close() {
      if (isClosed) return
      isClosed = true
      let retryAfter = LONG_AWAY
      for (const [peer, connection] of peers) {
        peer.send({ type: 'goodbye', retryAfter: retryAfter++, reason: 'the test relay was closed' })
        connection.close(CloseCode.Restart, '')
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
