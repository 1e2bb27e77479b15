import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createAccess } from './access/access.js'
import { withCheckedRights } from './access/claims.js'
import { createCounters } from './metrics/counters.js'
import { createAddressReader } from './limits/addresses.js'
import type { RelayState } from './metrics/relay-state.js'
import { countAppends } from './metrics/counted-log.js'
import { drain } from './connection/drain.js'
import { createFanOut } from './output/writer.js'
import { createHandshakes } from './http/handshakes.js'
import { createConcurrencyLimit } from './limits/concurrency.js'
import { createBodyReader } from './http/body.js'
import { createHttp } from './http/http.js'
import { createHttpConnections } from './http/http-connections.js'
import { farewellRate, maxHttpConnections, HANDSHAKE_RATE } from './limits/address-rates.js'
import { createLog } from './create-log.js'
import type { SignalLog } from './log/log.js'
import { withRetry } from './log/retry.js'
import { createSilentLogger, type Logger } from './logger.js'
import { createAdmin } from './admin/admin.js'
import { limitOf, resolveSettings, type RelaySettings } from './options/options.js'
import { createRateLimiter } from './limits/rate-limit.js'
import { createPages } from './http/pages.js'
import { createConnections, type Connections } from './connection/connections.js'
import { createPosts } from './http/posts.js'
import { createSharedRevocations } from './access/revocation.js'
import type { Revocation } from './access/revocations.js'
import { createRevokeRequests } from './http/revoke-requests.js'
import type { Authorize } from './access/rights.js'
import { createRooms } from './rooms/rooms.js'
import { createTokenReader } from './access/tokens.js'

/** Bytes of bodies that are being read at a time. */
const MAX_BODIES = 16_777_216

/** How many of the latest signals the dashboard shows. */
const LATEST_SIGNALS = 50

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
  readonly retryFor?: number
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
  revoke(revocations: Revocation): Promise<void>
  /** Says goodbye to everybody, finishes what has begun and closes, within 10 seconds. */
  close(): Promise<void>
}

/** Makes a relay. Nothing happens before `listen`. Throws when options cannot be, or contradict each other. */
export function createRelay(options: RelayOptions = {}): Relay {
  const settings = resolveSettings(options)
  if (options.authorize && (settings.authJwks !== '' || settings.authSecret.length > 0)) {
    throw new Error('authorize, authSecret and authJwks are three ways to check a token. Choose one.')
  }
  const { beat = 25_000, helloTimeout = 5000, retryFor = 15_000, spread = 5000 } = options
  const { logger = createSilentLogger(), pages = nearby('../playground'), assets = nearby('../umd') } = options
  const { dashboard = nearby('../dashboard') } = options
  const { host, port, path, maxBytes, window, dashboardKey } = settings
  const counters = createCounters(dashboardKey === '' ? 0 : LATEST_SIGNALS)

  const signalLog = options.log ?? createLog(settings, logger)
  const onTrouble = (error: unknown): void => logger.debug({ error: String(error) }, 'the log has trouble')
  const retryingLog = withRetry(signalLog, { retryFor, onError: onTrouble })
  const log = countAppends(retryingLog, counters)

  const revocations = createSharedRevocations({ log: retryingLog, onRevoked: () => connections.recheckRights() })
  const logTokenRefusal = (text: string): void => logger.info({ text }, 'a token was refused')
  const authorize = options.authorize
    ? withCheckedRights(options.authorize)
    : createTokenReader(settings, logTokenRefusal)
  const { origin: origins, open: isOpen } = settings
  const access = createAccess({
    host,
    origins,
    isOpen,
    authorize,
    isRevoked: revocations.isRevoked,
    onRefused: logTokenRefusal,
  })

  const rate = limitOf(settings.rate)
  const rooms = createRooms({ log, onFailure: (writer, error) => connections.fail(writer, error) })
  const connections: Connections = createConnections({
    fanOut: createFanOut({ maxBuffered: limitOf(settings.maxBuffered), counters }),
    access,
    log,
    rooms,
    logger,
    terms: { beat, maxBytes, window },
    users: createConcurrencyLimit(limitOf(settings.maxConnectionsPerUser)),
    maxConnections: limitOf(settings.maxConnections),
    maxRooms: limitOf(settings.maxRooms),
    rate,
    helloTimeout,
  })

  let closing: Promise<void> | undefined
  const isDraining = (): boolean => closing !== undefined
  const relayState = (): RelayState => ({
    isDraining: isDraining(),
    connections: connections.size,
    rooms: rooms.size,
    log: log.health,
  })
  const isShared = settings.redis !== '' || options.log !== undefined
  const addressOf = createAddressReader(settings.trustProxy)
  const maxTotal = Math.max(MAX_BODIES, 4 * maxBytes)
  const bodies = createBodyReader({ maxTotal, addressOf })
  // Apart, so that strangers cannot keep backends out.
  const maxPerAddress = limitOf(settings.maxConnectionsPerAddress)
  const publicBodies = createBodyReader({ maxTotal, maxPerAddress, addressOf })
  const admin = createAdmin({
    addressOf,
    bodies: publicBodies,
    key: dashboardKey,
    folder: dashboard,
    isShared,
    log: retryingLog,
    counters,
    rooms,
    relayState,
  })

  const httpConnections = createHttpConnections({
    maxPerAddress: maxHttpConnections(maxPerAddress),
    addressOf,
    isProxied: settings.trustProxy > 0,
  })
  const farewellLimiter = createRateLimiter(farewellRate(rate))
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
        publicBodies,
        maxBytes,
        addressOf,
        farewellLimiter,
      }),
      revoke: createRevokeRequests({
        secrets: settings.revokeKey,
        bodies,
        maxBytes,
        addressOf,
        revoke: revocations.revoke,
      }),
      admin: admin.routes,
      page: createPages({ pages, assets }),
      relayState,
      counters,
      logger,
      isOverLimit: httpConnections.isOverLimit,
    }),
  )
  server.on('connection', httpConnections.open)
  server.on('upgrade', (_request, socket) => httpConnections.release(socket))
  // A connection that never says a byte is none of the HTTP server's time limits' business.
  server.on('connection', (socket) => socket.setTimeout(helloTimeout))
  const handshakeLimiter = createRateLimiter(HANDSHAKE_RATE)
  const connectionLimit = createConcurrencyLimit(maxPerAddress)
  const onOpen = connections.add
  server.on(
    'upgrade',
    createHandshakes({
      path,
      maxBytes,
      access,
      addressOf,
      handshakeLimiter,
      connectionLimit,
      isDraining,
      isSaturated: () => connections.isSaturated,
      counters,
      logger,
      onOpen,
    }),
  )

  async function stop(): Promise<void> {
    await drain({ connections: connections.all, server, spread })
    await release()
  }

  async function release(): Promise<void> {
    connections.stop()
    revocations.stop()
    admin.stop()
    await log.close()
  }

  async function begin(): Promise<number> {
    try {
      await log.open()
      // Before anybody comes in who was locked out.
      if (authorize) await revocations.start()
      await admin.open()
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
      connections.start()
      admin.start()
      const name = `${nameOf(host)}:${bound}`
      return { port: bound, url: `ws://${name}${path}`, page: `http://${name}/` }
    },
    revoke: revocations.revoke,
    close: () => (closing ??= stop()),
  }
}

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
