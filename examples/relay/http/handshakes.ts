import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Access } from '../access/access.js'
import type { Counters } from '../metrics/counters.js'
import type { AddressOf } from '../limits/client-address.js'
import type { ConcurrencyLimit } from '../limits/concurrency.js'
import { printable, type Logger } from '../logger.js'
import { createRateLimiter, type RateLimiter } from '../limits/rate-limit.js'

const SATURATED: HandshakeRefusal = {
  status: '503 Service Unavailable',
  reason: 'connections',
  text: 'The relay has too many connections; --max-connections sets the limit.',
  retryAfter: 10,
}
const TOO_FAST: HandshakeRefusal = {
  status: '429 Too Many Requests',
  reason: 'address-rate',
  text: 'This address connects too often. Wait, and try again.',
}
const TOO_MANY: HandshakeRefusal = {
  status: '429 Too Many Requests',
  reason: 'address-connections',
  text: 'This address has too many connections; --max-connections-per-address sets the limit. Behind a proxy, start the relay with --trust-proxy.',
  retryAfter: 10,
}

const LOGGED = new Set(['connections', 'origin', 'address-rate', 'address-connections'])

export interface HandshakeOptions {
  readonly path: string
  readonly maxBytes: number
  readonly access: Access
  readonly addressOf: AddressOf
  /** Limits the handshakes of each address. */
  readonly handshakeLimiter: RateLimiter
  /** Limits the connections of each address. */
  readonly connectionLimit: ConcurrencyLimit
  readonly isDraining: () => boolean
  readonly isSaturated: () => boolean
  readonly counters: Counters
  readonly logger: Logger
  readonly onOpen: (ws: WebSocket, socket: Duplex, address: string | undefined) => void
}

/** The response to a handshake that is refused. */
interface HandshakeRefusal {
  readonly status: string
  readonly reason: string
  readonly text: string
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
    handshakeLimiter,
    connectionLimit,
    isDraining,
    isSaturated,
    counters,
    logger,
    onOpen,
  } = options
  const logLimiter = createRateLimiter({ rate: 5, burst: 50 })
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxBytes,
    handleProtocols: () => false,
  })

  function refuse({ url = '/', headers }: IncomingMessage): HandshakeRefusal | undefined {
    if (isDraining())
      return { status: '503 Service Unavailable', reason: 'restart', text: 'The relay is shutting down.' }
    if (isSaturated()) return SATURATED
    // Some HTTP clients offer HTTP/2 with an Upgrade header in every request, which Node reports as an upgrade.
    if (headers.upgrade?.toLowerCase() !== 'websocket') {
      const text = 'Send this request without an Upgrade header (with curl: --http1.1).'
      return { status: '400 Bad Request', reason: 'upgrade', text }
    }
    if (url.split('?')[0] !== path) return { status: '404 Not Found', reason: 'not-found', text: `Connect to ${path}.` }
    const text = access.checkOrigin(headers.origin, headers.host)
    return text === undefined ? undefined : { status: '403 Forbidden', reason: 'origin', text }
  }

  function refuseAddress(address: string | undefined): HandshakeRefusal | undefined {
    if (address === undefined) return undefined
    const wait = handshakeLimiter.consume(address)
    if (wait > 0) return { ...TOO_FAST, retryAfter: Math.ceil(wait / 1000) }
    return connectionLimit.acquire(address) ? undefined : TOO_MANY
  }

  /** Counts all refusals and logs some of them. */
  function logRefusal(
    { reason, text }: HandshakeRefusal,
    { origin = '', host = '' }: IncomingHttpHeaders,
    address?: string,
  ): void {
    counters.refused(reason, text)
    if (!LOGGED.has(reason) || logLimiter.consume(reason) > 0) return
    logger.warn({ origin: printable(origin), host: printable(host), address }, text)
  }

  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => {})
    const address = addressOf(request)
    const refusal = refuse(request) ?? refuseAddress(address)
    if (refusal) {
      logRefusal(refusal, request.headers, address)
      return rejectSocket(socket, refusal)
    }
    if (address !== undefined) socket.once('close', () => connectionLimit.release(address))
    webSockets.handleUpgrade(request, socket, head, (ws) => onOpen(ws, socket, address))
  }
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
