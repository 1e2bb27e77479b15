import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { WebSocketServer, type WebSocket } from 'ws'
import * as CloseCode from '../../src/protocol/close-codes.js'
import { createAccess } from './access.js'
import { createHeart, TICKS_PER_BEAT, type Heart } from './beat.js'
import { drain } from './drain.js'
import { createFanOut, type Lane } from './fan-out.js'
import { createHttp } from './http.js'
import { createEngine } from './log/engine.js'
import type { SignalLog } from './log/log.js'
import { createPatientLog } from './log/patient.js'
import { createSilentLogger, type Logger } from './logger.js'
import { limit, settle, type RelaySettings } from './options.js'
import { createPages } from './pages.js'
import { createPeer, type Peer } from './peer.js'
import { createPosts } from './posts.js'
import type { Authorize } from './rights.js'
import { createRooms } from './rooms.js'
import { createTokenReader } from './tokens.js'

/** What only a program that embeds the relay can give it. */
interface RelayParts {
  /** Turns tokens into rights. Without it, everything on an allowed origin may send and hear. */
  readonly authorize?: Authorize
  /** The memory of the relay. @default what `redis` names, or a log in this process */
  readonly log?: SignalLog
  /** @default nobody is told */
  readonly logger?: Logger
  /** The longest silence of the relay, in milliseconds. @default 25_000 */
  readonly beat?: number
  /** How long a connection may take to say hello, or to say anything before it is one, in milliseconds. @default 5000 */
  readonly helloTimeout?: number
  /** How long passing trouble of the log is borne, in milliseconds. @default 15_000 */
  readonly patience?: number
  /** The time over which clients are asked to come back after a restart, in milliseconds. @default 5000 */
  readonly spread?: number
  /** The folder of the test page. @default '../playground', seen from this file */
  readonly pages?: string
  /** The folder of the script-tag build. @default '../umd', seen from this file */
  readonly assets?: string
}

export type RelayOptions = Partial<RelaySettings> & RelayParts

export interface RelayAddress {
  readonly port: number
  /** Where clients connect. */
  readonly url: string
  /** Where the test page is. */
  readonly page: string
}

export interface Relay {
  /** Starts to listen. Rejects when the port cannot be had, or with `LogUnusable`. */
  listen(): Promise<RelayAddress>
  /** Says goodbye to everybody, finishes what has begun and closes, within 10 seconds. */
  close(): Promise<void>
}

/** Makes a relay. Nothing happens before `listen`. */
export function createRelay(options: RelayOptions = {}): Relay {
  const settings = settle(options)
  const { beat = 25_000, helloTimeout = 5000, patience = 15_000, spread = 5000 } = options
  const { logger = createSilentLogger(), pages = nearby('../playground'), assets = nearby('../umd') } = options
  const { host, port, path, maxBytes, window } = settings
  const access = createAccess({
    host,
    origins: settings.origin,
    isOpen: settings.open,
    publishKeys: settings.publishKey,
    authorize: options.authorize ?? createTokenReader(settings, (text) => logger.info({ text }, 'a token was refused')),
  })
  const engine = options.log ?? createEngine(settings, logger)
  const onTrouble = (error: unknown): void => logger.debug({ error: String(error) }, 'the log has trouble')
  const log = createPatientLog(engine, { patience, onTrouble })
  const peers = new Map<Lane, { readonly peer: Peer; readonly heart: Heart }>()
  const rooms = createRooms({ log, onFailure: (lane, error) => peers.get(lane)?.peer.fail(error) })
  const fanOut = createFanOut({ maxBuffered: limit(settings.maxBuffered) })
  const posts = createPosts({ access, log, maxBytes })
  const health = () => ({ isDraining: closing !== undefined, connections: peers.size, rooms: rooms.size })
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxBytes,
    handleProtocols: () => false,
  })
  const server = createServer(
    { headersTimeout: helloTimeout, requestTimeout: 30_000, connectionsCheckingInterval: 1000 },
    createHttp({ path, access, posts, page: createPages({ pages, assets }), health, logger }),
  )
  let closing: Promise<void> | undefined
  let pulse: NodeJS.Timeout | undefined

  // A connection that never says a byte is none of the HTTP server's time limits' business.
  server.on('connection', (socket) => socket.setTimeout(helloTimeout))
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {})
    const refusal = refuseUpgrade(request)
    if (refusal) return turnAway(socket, refusal)
    webSockets.handleUpgrade(request, socket, head, (ws) => welcome(ws, socket))
  })

  function refuseUpgrade({ url = '/', headers }: IncomingMessage): Refusal | undefined {
    if (closing) return { status: '503 Service Unavailable', text: 'The relay is shutting down.' }
    // Some HTTP clients offer HTTP/2 on every request; Node takes that for the wish to leave HTTP.
    if (headers.upgrade?.toLowerCase() !== 'websocket') {
      return { status: '400 Bad Request', text: 'Send this request without an Upgrade header (with curl: --http1.1).' }
    }
    if (url.split('?')[0] !== path) return { status: '404 Not Found', text: `Connect to ${path}.` }
    const text = access.refuse(headers.origin, headers.host)
    if (text === undefined) return undefined
    logger.warn({ origin: headers.origin, host: headers.host }, text)
    return { status: '403 Forbidden', text }
  }

  function welcome(ws: WebSocket, socket: Duplex): void {
    const lane = fanOut.open(ws, socket)
    if (peers.size >= limit(settings.maxConnections)) {
      ws.on('error', () => {})
      logger.warn({ connections: peers.size }, 'too many connections; --max-connections sets the limit')
      return lane.end(CloseCode.TooMany, 'too many connections')
    }
    const terms = { beat, maxBytes, window }
    const maxRooms = limit(settings.maxRooms)
    const peer = createPeer({ ws, lane, access, log, rooms, logger, terms, maxRooms, helloTimeout })
    peers.set(lane, { peer, heart: createHeart(ws, lane) })
    ws.once('close', () => peers.delete(lane))
  }

  function tick(): void {
    for (const { heart } of peers.values()) heart.tick()
  }

  async function stop(): Promise<void> {
    await drain({ peers: () => [...peers.values()].map(({ peer }) => peer), server, spread })
    clearInterval(pulse)
    await log.close()
  }

  return {
    async listen() {
      await log.open()
      await listening(server, host, port)
      // What has arrived is read before silence is judged: a late timer is no evidence against anybody.
      pulse = setInterval(() => setImmediate(tick), beat / TICKS_PER_BEAT)
      const address = server.address()
      const bound = typeof address === 'object' && address ? address.port : port
      const name = `${nameOf(host)}:${bound}`
      return { port: bound, url: `ws://${name}${path}`, page: `http://${name}/` }
    },
    close: () => (closing ??= stop()),
  }
}

interface Refusal {
  readonly status: string
  readonly text: string
}

function turnAway(socket: Duplex, { status, text }: Refusal): void {
  const length = Buffer.byteLength(text)
  const headers = `Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${length}`
  // The other side may never close its end.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${text}`)
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** How a person on this machine writes the address. */
function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function nearby(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
