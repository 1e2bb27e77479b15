import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createAccess } from './access/access.js'
import { checked } from './access/claims.js'
import { createActivity } from './metrics/counters.js'
import { createAddressReader } from './limits/addresses.js'
import type { Condition } from './metrics/relay-state.js'
import { countAppends } from './metrics/counted-log.js'
import { drain } from './connection/drain.js'
import { createFanOut } from './output/writer.js'
import { createHandshakes } from './http/handshakes.js'
import { createConcurrencyLimit } from './limits/concurrency.js'
import { createBodies } from './http/body.js'
import { createHttp } from './http/http.js'
import { createHttpConnections } from './http/http-connections.js'
import { farewellRate, maxHttpConnections, HANDSHAKE_RATE } from './limits/address-rates.js'
import { createEngine } from './create-log.js'
import type { SignalLog } from './log/log.js'
import { withRetry } from './log/retry.js'
import { createSilentLogger, type Logger } from './logger.js'
import { createOperation } from './admin/admin.js'
import { limit, settle, type RelaySettings } from './options/options.js'
import { createRateLimiter } from './limits/rate-limit.js'
import { createPages } from './http/pages.js'
import { createPeers, type Peers } from './connection/connections.js'
import { createPosts } from './http/posts.js'
import { createRevocation } from './access/revocation.js'
import type { Revocation } from './access/revocations.js'
import { createRevokeRequests } from './http/revoke-requests.js'
import type { Authorize } from './access/rights.js'
import { createRooms } from './rooms/rooms.js'
import { createTokenReader } from './access/tokens.js'

/** What only a program that embeds the relay can give it. */
export interface EmbeddingOptions {
  /** Turns tokens into rights, instead of `authSecret` or `authJwks`. With it, a token is required. */
  readonly authorize?: Authorize
  /** Where the relay tells what happens to it; a logger of pino fits. @default nobody is told */
  readonly logger?: Logger
  /** The longest silence of the relay, in milliseconds. @default 25_000 */
  readonly beat?: number
  /** How long a connection may take to say hello, or to say anything before it is one, in milliseconds. @default 5000 */
  readonly helloTimeout?: number
  /** How long passing trouble of the log is borne, in milliseconds. @default 15_000 */
  readonly patience?: number
  /** The time over which clients are asked to come back after a restart, in milliseconds. @default 5000 */
  readonly spread?: number
}

/** What tests give it beside that. */
interface RelayParts extends EmbeddingOptions {
  /** The memory of the relay. @default what `redis` names, or a log in this process */
  readonly log?: SignalLog
  /** The folder of the test page. @default '../playground', seen from this file */
  readonly pages?: string
  /** The folder of the script-tag build. @default '../umd', seen from this file */
  readonly assets?: string
  /** The folder of the dashboard. @default '../dashboard', seen from this file */
  readonly dashboard?: string
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
  /** Starts to listen. Rejects when the port cannot be had, or with `LogUnusable`; then the relay is closed. */
  listen(): Promise<RelayAddress>
  /** Takes back a token, or all that a user has now, on every instance. Rejects when not all could be told. */
  revoke(revocation: Revocation): Promise<void>
  /** Says goodbye to everybody, finishes what has begun and closes, within 10 seconds. */
  close(): Promise<void>
}

/** Makes a relay. Nothing happens before `listen`. Throws when options cannot be, or contradict each other. */
export function createRelay(options: RelayOptions = {}): Relay {
  const settings = settle(options)
  if (options.authorize && (settings.authJwks !== '' || settings.authSecret.length > 0)) {
    throw new Error('authorize, authSecret and authJwks are three ways to check a token. Choose one.')
  }
  const { beat = 25_000, helloTimeout = 5000, patience = 15_000, spread = 5000 } = options
  const { logger = createSilentLogger(), pages = nearby('../playground'), assets = nearby('../umd') } = options
  const { dashboard = nearby('../dashboard') } = options
  const { host, port, path, maxBytes, window, dashboardKey } = settings
  const activity = createActivity(dashboardKey === '' ? 0 : LATEST_SIGNALS)

  const engine = options.log ?? createEngine(settings, logger)
  const onTrouble = (error: unknown): void => logger.debug({ error: String(error) }, 'the log has trouble')
  const patientLog = withRetry(engine, { retryFor: patience, onError: onTrouble })
  const log = countAppends(patientLog, activity)

  const revocation = createRevocation({ log: patientLog, onRevoked: () => peers.review() })
  const tellRefused = (text: string): void => logger.info({ text }, 'a token was refused')
  const authorize = options.authorize ? checked(options.authorize) : createTokenReader(settings, tellRefused)
  const { origin: origins, open: isOpen } = settings
  const access = createAccess({
    host,
    origins,
    isOpen,
    authorize,
    isRevoked: revocation.covers,
    onRefused: tellRefused,
  })

  const rate = limit(settings.rate)
  const rooms = createRooms({ log, onFailure: (lane, error) => peers.fail(lane, error) })
  const peers: Peers = createPeers({
    fanOut: createFanOut({ maxBuffered: limit(settings.maxBuffered), activity }),
    access,
    log,
    rooms,
    logger,
    terms: { beat, maxBytes, window },
    users: createConcurrencyLimit(limit(settings.maxConnectionsPerUser)),
    maxConnections: limit(settings.maxConnections),
    maxRooms: limit(settings.maxRooms),
    rate,
    helloTimeout,
  })

  let closing: Promise<void> | undefined
  const isLeaving = (): boolean => closing !== undefined
  const condition = (): Condition => ({
    isDraining: isLeaving(),
    connections: peers.size,
    rooms: rooms.size,
    log: log.health,
  })
  const isShared = settings.redis !== '' || options.log !== undefined
  const addressOf = createAddressReader(settings.trustProxy)
  const maxTotal = Math.max(MAX_BODIES, 4 * maxBytes)
  const bodies = createBodies({ maxTotal, addressOf })
  // Apart, so that strangers cannot keep backends out.
  const maxPerAddress = limit(settings.maxConnectionsPerAddress)
  const strangersBodies = createBodies({ maxTotal, maxPerAddress, addressOf })
  const operation = createOperation({
    addressOf,
    bodies: strangersBodies,
    key: dashboardKey,
    folder: dashboard,
    isShared,
    log: patientLog,
    activity,
    rooms,
    condition,
  })

  const ordinary = createHttpConnections({
    maxPerAddress: maxHttpConnections(maxPerAddress),
    addressOf,
    isProxied: settings.trustProxy > 0,
  })
  const farewells = createRateLimiter(farewellRate(rate))
  const server = createServer(
    { headersTimeout: helloTimeout, requestTimeout: 30_000, connectionsCheckingInterval: 1000 },
    createHttp({
      path,
      access,
      posts: createPosts({
        access,
        publishKeys: settings.publishKey,
        log,
        bodies,
        strangersBodies,
        maxBytes,
        addressOf,
        farewells,
      }),
      revoke: createRevokeRequests({
        secrets: settings.revokeKey,
        bodies,
        maxBytes,
        addressOf,
        revoke: revocation.revoke,
      }),
      operators: operation.operators,
      page: createPages({ pages, assets }),
      condition,
      activity,
      logger,
      isOneTooMany: ordinary.isOneTooMany,
    }),
  )
  server.on('connection', ordinary.open)
  server.on('upgrade', (_request, socket) => ordinary.release(socket))
  // A connection that never says a byte is none of the HTTP server's time limits' business.
  server.on('connection', (socket) => socket.setTimeout(helloTimeout))
  const visits = createRateLimiter(HANDSHAKE_RATE)
  const addresses = createConcurrencyLimit(maxPerAddress)
  const onOpen = peers.welcome
  server.on(
    'upgrade',
    createHandshakes({
      path,
      maxBytes,
      access,
      addressOf,
      visits,
      addresses,
      isLeaving,
      isCrowded: () => peers.isCrowded,
      activity,
      logger,
      onOpen,
    }),
  )

  async function stop(): Promise<void> {
    await drain({ peers: peers.all, server, spread })
    await release()
  }

  async function release(): Promise<void> {
    peers.stop()
    revocation.stop()
    operation.stop()
    await log.close()
  }

  async function begin(): Promise<number> {
    try {
      await log.open()
      // Before anybody comes in who was locked out.
      if (authorize) await revocation.start()
      await operation.open()
      return await listenOn(server, host, port)
    } catch (error) {
      // Whoever embeds it lives on, and wants no lines to Redis left open.
      closing ??= release()
      await closing.catch(() => {})
      throw error
    }
  }

  return {
    async listen() {
      const bound = await begin()
      peers.start()
      operation.start()
      const name = `${nameOf(host)}:${bound}`
      return { port: bound, url: `ws://${name}${path}`, page: `http://${name}/` }
    },
    revoke: revocation.revoke,
    close: () => (closing ??= stop()),
  }
}

/** Bytes of bodies that are being read at a time. */
const MAX_BODIES = 16_777_216

/** How many of the latest signals the dashboard shows. */
const LATEST_SIGNALS = 50

/** Gives the port, which may have been any free one. */
function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
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
