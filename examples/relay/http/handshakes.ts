import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Access } from '../access/access.js'
import type { Counters } from '../metrics/counters.js'
import type { ClientAddresses } from '../limits/client-address.js'
import type { ConcurrencyLimit } from '../limits/concurrency.js'
import { printable, type Logger } from '../logger.js'
import { createRateLimiter, type RateLimiter } from '../limits/rate-limit.js'
import type { OpenSharedSocket } from './shared-sockets.js'

const SATURATED: HandshakeRefusal = {
  status: '503 Service Unavailable',
  code: 'connections',
  text: 'The relay has too many connections; --max-connections sets the limit.',
  reason: 'too many connections',
  retryAfter: 10,
}
const TOO_FAST = {
  status: '429 Too Many Requests',
  code: 'address-rate',
  text: 'This address connects too often; --connection-rate sets the limit. Behind a proxy, start the relay with --trust-proxy.',
  reason: 'too many new connections from this network',
  retryAfter: 1,
}
const TOO_MANY: HandshakeRefusal = {
  status: '429 Too Many Requests',
  code: 'address-connections',
  text: 'This address has too many connections; --max-connections-per-address sets the limit. Behind a proxy, start the relay with --trust-proxy.',
  reason: 'too many connections from this network',
  retryAfter: 10,
}

/** A message of a shared connection may be larger than a frame of one tab: the relay tells that tab only. */
const SHARED_FACTOR = 4
/** The parameter of an address that asks for a shared connection. */
const SHARED = /[?&]shared(?:[=&]|$)/

const SECONDS_PER_ADVICE = 60

const LOGGED = new Set(['connections', 'origin', 'address-rate', 'address-connections'])

/** The connections that handshakes lead to. */
interface OpenConnections {
  readonly isFull: boolean
  readonly canReject: boolean
  add(ws: WebSocket, socket: Duplex, address?: string): void
  reject(ws: WebSocket, socket: Duplex, rejection: { readonly reason: string; readonly retryAfter: number }): void
}

export interface HandshakeOptions {
  readonly path: string
  readonly maxBytes: number
  readonly access: Access
  readonly addressOf: ClientAddresses['addressOf']
  readonly adviceFor: ClientAddresses['adviceFor']
  /** Limits the handshakes of each address. */
  readonly handshakeLimiter: RateLimiter
  /** Limits the connections of each address. */
  readonly connectionLimit: ConcurrencyLimit
  readonly isDraining: () => boolean
  readonly connections: OpenConnections
  /** Takes the socket of all tabs of a browser. */
  readonly openShared: OpenSharedSocket
  readonly counters: Counters
  readonly logger: Logger
}

/** The response to a handshake that is refused. */
interface HandshakeRefusal {
  readonly status: string
  readonly code: string
  readonly text: string
  /** The reason with which the WebSocket is closed, because browsers hide the status of a handshake from the page. */
  readonly reason?: string
  /** Delay before the next attempt (s). */
  readonly retryAfter?: number
}

/** Accepts or refuses WebSocket handshakes. */
export function createHandshakes(options: HandshakeOptions) {
  const {
    path,
    maxBytes,
    access,
    addressOf,
    adviceFor,
    handshakeLimiter,
    connectionLimit,
    isDraining,
    connections,
    openShared,
    counters,
    logger,
  } = options
  const logLimiter = createRateLimiter({ rate: 5, burst: 50 })
  const adviceLimiter = createRateLimiter({ rate: 1 / SECONDS_PER_ADVICE, burst: 1 })
  const webSockets = createServer(maxBytes)
  const sharedSockets = createServer(SHARED_FACTOR * maxBytes)

  function refuse({ url = '/', headers }: IncomingMessage, address: string | undefined): HandshakeRefusal | undefined {
    if (isDraining()) return { status: '503 Service Unavailable', code: 'restart', text: 'The relay is shutting down.' }
    if (connections.isFull && !connections.canReject) return SATURATED
    if (url.split('?')[0] !== path) return { status: '404 Not Found', code: 'not-found', text: `Connect to ${path}.` }
    const text = access.checkOrigin(headers.origin, headers.host)
    if (text !== undefined) return { status: '403 Forbidden', code: 'origin', text }
    if (connections.isFull) return SATURATED
    return address === undefined ? undefined : refuseAddress(address)
  }

  /** A refused handshake takes nothing from the rate of its address. */
  function refuseAddress(address: string): HandshakeRefusal | undefined {
    if (!connectionLimit.acquire(address)) return TOO_MANY
    const wait = handshakeLimiter.consume(address)
    if (wait === 0) return undefined
    connectionLimit.release(address)
    return { ...TOO_FAST, retryAfter: Math.max(TOO_FAST.retryAfter, Math.ceil(wait / 1000)) }
  }

  /** Counts all refusals and logs some of them. */
  function logRefusal(
    { code, text }: HandshakeRefusal,
    { origin = '', host = '' }: IncomingHttpHeaders,
    address?: string,
  ): void {
    counters.refused(code, text)
    if (!LOGGED.has(code) || logLimiter.consume(code) > 0) return
    logger.warn({ origin: printable(origin), host: printable(host), address }, text)
  }

  /** Warns when the limits of addresses do not count visitors. */
  function checkProxies(request: IncomingMessage): void {
    const advice = adviceFor(request)
    if (advice !== undefined && adviceLimiter.consume('') === 0) logger.warn({}, advice)
  }

  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', ignoreError)
    checkProxies(request)
    const address = addressOf(request)
    const refusal = refuse(request, address)
    if (!refusal) {
      if (address !== undefined) socket.once('close', () => connectionLimit.release(address))
      const isShared = SHARED.test(request.url ?? '')
      const open = isShared ? openShared : connections.add
      return (isShared ? sharedSockets : webSockets).handleUpgrade(request, socket, head, (ws) => {
        // The WebSocket has a listener of its own.
        socket.off('error', ignoreError)
        open(ws, socket, address)
      })
    }
    logRefusal(refusal, request.headers, address)
    const { reason, retryAfter = 0 } = refusal
    if (reason === undefined || !connections.canReject) return rejectSocket(socket, refusal)
    const rejection = { reason, retryAfter: retryAfter * 1000 }
    webSockets.handleUpgrade(request, socket, head, (ws) => connections.reject(ws, socket, rejection))
  }
}

function ignoreError(): void {}

function createServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload,
    handleProtocols: () => false,
  })
}

function rejectSocket(socket: Duplex, { status, text, retryAfter }: HandshakeRefusal): void {
  const headers = [
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
  ]
  // The client may never close its side.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${text}`)
}
