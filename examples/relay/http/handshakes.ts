import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Access } from '../access/access.js'
import type { Counters } from '../metrics/counters.js'
import type { ClientAddresses } from '../limits/client-address.js'
import { FULL, type Admission, type Rejection } from '../limits/admission.js'
import { printable, type Logger } from '../logger.js'
import { createRateLimiter } from '../limits/rate-limit.js'
import type { OpenSharedSocket } from './shared-sockets.js'

/** How a handshake is refused at each limit. */
const REFUSED_AT: Readonly<Record<Rejection['limit'], Pick<HandshakeRefusal, 'status' | 'text'>>> = {
  connections: {
    status: '503 Service Unavailable',
    text: 'The relay has too many connections; --max-connections sets the limit.',
  },
  'address-connections': {
    status: '429 Too Many Requests',
    text: 'This address has too many connections; --max-connections-per-address sets the limit. Behind a proxy, start the relay with --trust-proxy.',
  },
  'address-rate': {
    status: '429 Too Many Requests',
    text: 'This address connects too often; --connection-rate sets the limit. Behind a proxy, start the relay with --trust-proxy.',
  },
}

/** A message of a shared connection may be larger than a frame of one tab: the relay closes only the tab whose frame is too large. */
const SHARED_FACTOR = 4
/** The parameter of an address that asks for a shared connection. */
const SHARED = /[?&]shared(?:[=&]|$)/

const SECONDS_PER_ADVICE = 60

const LOGGED = new Set([...Object.keys(REFUSED_AT), 'origin'])

/** The connections that handshakes lead to. */
interface OpenConnections {
  readonly isFull: boolean
  readonly canReject: boolean
  add(ws: WebSocket, socket: Duplex, address?: string): void
  reject(ws: WebSocket, socket: Duplex, rejection: Rejection): void
}

export interface HandshakeOptions {
  readonly path: string
  readonly maxBytes: number
  readonly access: Access
  readonly addressOf: ClientAddresses['addressOf']
  readonly adviceFor: ClientAddresses['adviceFor']
  readonly admission: Admission
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
  /** The WebSocket is closed for this instead, because browsers hide the status of a handshake from the page. */
  readonly rejection?: Rejection
}

/** Accepts or refuses WebSocket handshakes. */
export function createHandshakes(options: HandshakeOptions) {
  const {
    path,
    maxBytes,
    access,
    addressOf,
    adviceFor,
    admission,
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

  function refuse({ url = '/', headers }: IncomingMessage): HandshakeRefusal | undefined {
    if (isDraining()) return { status: '503 Service Unavailable', code: 'restart', text: 'The relay is shutting down.' }
    if (connections.isFull && !connections.canReject) return refusalOf(FULL)
    if (url.split('?')[0] !== path) return { status: '404 Not Found', code: 'not-found', text: `Connect to ${path}.` }
    const text = access.checkOrigin(headers.origin, headers.host)
    return text === undefined ? undefined : { status: '403 Forbidden', code: 'origin', text }
  }

  function refuseAtLimit(address: string | undefined): HandshakeRefusal | undefined {
    const rejection = admission.admit(address)
    return rejection && refusalOf(rejection)
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
    const refusal = refuse(request) ?? refuseAtLimit(address)
    if (!refusal) {
      if (address !== undefined) socket.once('close', () => admission.release(address))
      const isShared = SHARED.test(request.url ?? '')
      const open = isShared ? openShared : connections.add
      return (isShared ? sharedSockets : webSockets).handleUpgrade(request, socket, head, (ws) => {
        // The WebSocket has a listener of its own.
        socket.off('error', ignoreError)
        open(ws, socket, address)
      })
    }
    logRefusal(refusal, request.headers, address)
    const { rejection } = refusal
    if (!rejection || !connections.canReject) return rejectSocket(socket, refusal)
    webSockets.handleUpgrade(request, socket, head, (ws) => connections.reject(ws, socket, rejection))
  }
}

function refusalOf(rejection: Rejection): HandshakeRefusal {
  return { ...REFUSED_AT[rejection.limit], code: rejection.limit, rejection }
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

function rejectSocket(socket: Duplex, { status, text, rejection }: HandshakeRefusal): void {
  const headers = [
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(rejection ? [`Retry-After: ${rejection.retryAfter / 1000}`] : []),
  ]
  // The client may never close its side.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${text}`)
}
