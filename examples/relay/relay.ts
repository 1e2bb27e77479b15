import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createAccess, createReplaceableAccess, type Access } from './access/access.js'
import { withCheckedRights } from './access/claims.js'
import { createCounters } from './metrics/counters.js'
import { createClientAddresses } from './limits/client-address.js'
import type { RelayState } from './metrics/relay-state.js'
import { countAppends, countFailures } from './metrics/counted-log.js'
import { drain } from './connection/drain.js'
import { createFanOut } from './output/writer.js'
import { createHandshakes } from './http/handshakes.js'
import { createAdmission } from './limits/admission.js'
import { createConcurrencyLimit } from './limits/concurrency.js'
import { createBodyReader } from './http/body.js'
import { createHttp } from './http/http.js'
import { watchSockets } from './http/sockets.js'
import { createHttpConnections } from './http/http-connections.js'
import { farewellRate, handshakeRate, maxHttpConnections } from './limits/address-rates.js'
import { createLog } from './create-log.js'
import type { SignalLog } from './signal-log/log.js'
import { withRetry } from './signal-log/retry.js'
import { createSilentLogger, type Logger } from './logger.js'
import { createAdmin } from './admin/admin.js'
import { limitOf, resolveSettings, type RelaySettings } from './options/options.js'
import { createRateLimiter } from './limits/rate-limit.js'
import { createPages } from './http/pages.js'
import { createConnections, type Connections } from './connection/connections.js'
import { createPosts } from './http/posts.js'
import { createSharedRevocations } from './access/revocation-channel.js'
import type { Revocation } from './access/revoked-tokens.js'
import { createRevokeRequests } from './http/revoke.js'
import { createSharedSockets } from './http/shared-sockets.js'
import { createStreams } from './http/streams.js'
import { createAuthenticator } from './http/authenticate.js'
import { createRoomRequests } from './http/room-requests.js'
import type { Authorize } from './access/rights.js'
import { createRooms } from './rooms/rooms.js'
import { NO_SIBLINGS, type Siblings } from './siblings.js'
import { createTokenReader, isStillVerified } from './access/tokens.js'
import { createLimits } from './options/current-limits.js'
import { needsTokens, planReload, type Reload } from './options/reload.js'

/** Maximum memory of request bodies in progress (bytes). */
const MAX_BODIES = 16_777_216

/** Recent signals on the dashboard. */
const LATEST_SIGNALS = 50

/** Options of an embedding program only. */
export interface EmbeddingOptions {
  /** Turns tokens into rights, instead of `authSecret` or `authJwks`. Makes tokens required. */
  readonly authorize?: Authorize
  /** The logger of the relay; one of pino fits. @default a logger that discards everything */
  readonly logger?: Logger
  /** The longest silence of the relay (ms). @default 25_000 */
  readonly beat?: number
  /** Time until a client must have sent hello, or the first byte of a request (ms). @default 5000 */
  readonly helloTimeout?: number
  /** Time for which calls to the log are retried (ms). @default 15_000 */
  readonly retryFor?: number
  /**
   * Longest time over which clients are asked to reconnect after a restart: each gets 1 ms, and all together get at least a
   * second (ms). @default 5000
   */
  readonly maxSpread?: number
}

/** Further options of tests and of the command. */
interface RelayParts extends EmbeddingOptions {
  /** The log of the relay. @default in Redis or in this process, depending on `redis` */
  readonly log?: SignalLog
  /** The other processes of the command. @default none */
  readonly siblings?: Siblings
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
  /** The URL for clients. */
  readonly url: string
  /** The URL of the test page. */
  readonly page: string
}

export interface Relay {
  /** Starts to listen. Rejects when the port is not available, or with `LogUnusable`; then the relay is closed. */
  listen(): Promise<RelayAddress>
  /**
   * Revokes a token, or all current tokens of a user, on every instance. Rejects when the other instances may not know.
   */
  revoke(revocation: Revocation): Promise<void>
  /**
   * Applies changed origins, keys, secrets and limits without losing a connection, and returns the changed options. A
   * connection ends if its token is no longer valid. Missing options stay as they are.
   *
   * @throws When an option is invalid. Then no option changes.
   */
  reload(options: Partial<RelaySettings>): Reload
  /** Sends goodbye to all clients, finishes their requests and closes, within 10 seconds. */
  close(): Promise<void>
}

/** Creates a relay, which starts with `listen`. Throws when an option is invalid, or options contradict each other. */
export function createRelay(options: RelayOptions = {}): Relay {
  const settings = resolveSettings(options)
  let present: RelaySettings = settings
  if (options.authorize && (settings.authJwks !== '' || settings.authSecret.length > 0)) {
    throw new Error('authorize, authSecret and authJwks are three ways to check a token. Choose one.')
  }
  const { beat = 25_000, helloTimeout = 5000, retryFor = 15_000, maxSpread = 5000 } = options
  const { logger = createSilentLogger(), pages = nearby('../playground'), assets = nearby('../umd') } = options
  const { dashboard = nearby('../dashboard'), siblings = NO_SIBLINGS } = options
  const { host, port, base, path, maxBytes, window, dashboardKey } = settings
  const counters = createCounters(dashboardKey === '' ? 0 : LATEST_SIGNALS)
  const startedAt = performance.now()

  const signalLog = options.log ?? createLog(settings, logger)
  const onError = (error: unknown): void => logger.debug({ error: String(error) }, 'a call to the log failed')
  const retryingLog = withRetry(countFailures(signalLog, counters), { retryFor, onError })
  const log = countAppends(retryingLog, counters)

  const revocations = createSharedRevocations({ log: retryingLog, onRevoked: () => connections.recheckRights() })
  const logTokenRefusal = (text: string): void => logger.info({ text }, 'a token was refused')
  const own = options.authorize && withCheckedRights(options.authorize)
  const accessOf = (current: RelaySettings): Access =>
    createAccess({
      host,
      origins: current.origin,
      isOpen: current.open,
      authorize: own ?? createTokenReader(current, logTokenRefusal),
      isRevoked: (rights) => revocations.isRevoked(rights) || !isStillVerified(rights, current),
      onRefused: logTokenRefusal,
    })
  const access = createReplaceableAccess(accessOf(settings))

  const limits = createLimits(() => present)
  const rooms = createRooms({ log, onFailure: (writer, error) => connections.fail(writer, error) })
  const connections: Connections = createConnections({
    fanOut: createFanOut({ maxBuffered: limitOf(settings.maxBuffered), counters }),
    access,
    log,
    rooms,
    logger,
    terms: { beat, maxBytes, window },
    users: createConcurrencyLimit(() => limits.maxConnectionsPerUser, siblings.shareUses('users')),
    connectionCount: createConcurrencyLimit(Number.POSITIVE_INFINITY, siblings.shareUses('connections')),
    get maxConnections() {
      return limits.maxConnections
    },
    get maxRooms() {
      return limits.maxRooms
    },
    get rate() {
      return limits.rate
    },
    helloTimeout,
  })

  const connectionLimit = createConcurrencyLimit(() => limits.maxPerAddress, siblings.shareUses('addresses'))
  const connectionRate = createRateLimiter(
    () =>
      handshakeRate({ max: limits.maxConnections, maxPerAddress: limits.maxPerAddress, rate: limits.connectionRate }),
    siblings.shareRate('handshakes'),
  )
  const admission = createAdmission({ connections, connectionLimit, connectionRate })
  let closing: Promise<void> | undefined
  const isDraining = (): boolean => closing !== undefined
  const sharedSockets = createSharedSockets({ connections, admission, isDraining, maxBytes, helloTimeout })
  const relayState = (): RelayState => ({
    isDraining: isDraining(),
    uptime: Math.round((performance.now() - startedAt) / 1000),
    connections: connections.size,
    sockets: connections.size - sharedSockets.tabs + sharedSockets.size,
    rooms: rooms.size,
    log: log.health,
  })
  const isShared = settings.redis !== '' || options.log !== undefined
  const { addressOf, adviceFor } = createClientAddresses(settings.trustProxy)
  const maxTotal = Math.max(MAX_BODIES, 4 * maxBytes)
  const bodies = createBodyReader({ maxTotal, addressOf })
  // Separate memory, so that pages cannot exhaust that of backends.
  const publicBodies = createBodyReader({
    maxTotal,
    maxPerAddress: Math.min(limits.maxPerAddress, Math.floor(maxTotal / maxBytes / 2)),
    addressOf,
  })
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
    siblings,
    remembered: LATEST_SIGNALS,
  })

  const httpConnections = createHttpConnections({
    maxPerAddress: () => maxHttpConnections(limits.maxPerAddress),
    addressOf,
    isProxied: settings.trustProxy !== 0,
    siblings,
  })
  const authenticatePublisher = createAuthenticator({
    keys: () => present.publishKey,
    flag: '--publish-key',
    addressOf,
    share: siblings.shareRate('publish-key'),
  })
  const farewellLimiter = createRateLimiter(() => farewellRate(limits.rate), siblings.shareRate('farewells'))
  const server = createServer(
    { headersTimeout: helloTimeout, requestTimeout: 30_000, connectionsCheckingInterval: 1000 },
    createHttp({
      base,
      path,
      access,
      posts: createPosts({
        access,
        authenticate: authenticatePublisher,
        log,
        bodies,
        publicBodies,
        maxBytes,
        addressOf,
        farewellLimiter,
        openStream: createStreams({ connections, connectionLimit }),
      }),
      roomRequests: createRoomRequests({ authenticate: authenticatePublisher, rooms, log: retryingLog, siblings }),
      revoke: createRevokeRequests({
        secrets: () => present.revokeKey,
        bodies,
        maxBytes,
        addressOf,
        share: siblings.shareRate('revoke-key'),
        revoke: revocations.revoke,
      }),
      admin: admin.routes,
      page: createPages({ pages, assets }),
      relayState,
      siblings,
      counters,
      logger,
      assignSlot: httpConnections.assignSlot,
    }),
  )
  watchSockets(server, {
    httpConnections,
    helloTimeout,
    onHandshake: createHandshakes({
      path: `${base}${path}`,
      maxBytes,
      access,
      addressOf,
      adviceFor,
      admission,
      isDraining,
      connections,
      openShared: sharedSockets.open,
      counters,
      logger,
    }),
  })

  async function stop(): Promise<void> {
    await drain({ connections: connections.all, server, maxSpread })
    await release()
  }

  async function release(): Promise<void> {
    connections.stop()
    revocations.stop()
    admin.stop()
    await log.close()
  }

  function requireOpen(): void {
    if (closing) throw new Error('The relay was closed while it started.')
  }

  async function begin(): Promise<number> {
    try {
      await log.open()
      // Before any revoked user can connect.
      if (own || needsTokens(settings)) await revocations.start()
      await admin.open()
      requireOpen()
      const bound = await listenOn(server, host, port)
      // The server did not listen yet when the relay closed it.
      if (closing) server.close()
      requireOpen()
      return bound
    } catch (error) {
      // The embedding program continues: leave no connection to Redis open.
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
      return { port: bound, url: `ws://${name}${base}${path}`, page: `http://${name}${base}/` }
    },
    revoke: revocations.revoke,
    reload(changes) {
      const { settings: next, changed, restart } = planReload(present, resolveSettings({ ...present, ...changes }))
      present = next
      access.replace(accessOf(present))
      admin.setKey(present.dashboardKey)
      connections.recheckRights()
      return { changed, restart }
    },
    close: () => (closing ??= stop()),
  }
}

/** Returns the port, in case the system selected one. */
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

/** Returns the host for a URL on this machine. */
function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function nearby(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
