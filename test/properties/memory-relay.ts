import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { createAccess } from '../../examples/relay/access/access.js'
import { Heartbeat, TICKS_PER_BEAT } from '../../examples/relay/connection/heartbeat.js'
import type { Rights } from '../../examples/relay/access/rights.js'
import { drain } from '../../examples/relay/connection/drain.js'
import { createFanOut, type Writer } from '../../examples/relay/output/writer.js'
import { createBodyReader } from '../../examples/relay/http/body.js'
import { createPosts } from '../../examples/relay/http/posts.js'
import { createConcurrencyLimit } from '../../examples/relay/limits/concurrency.js'
import { problem } from '../../examples/relay/http/reply.js'
import { createRateLimiter } from '../../examples/relay/limits/rate-limit.js'
import type { Entry, SignalLog, LogPage } from '../../examples/relay/signal-log/log.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { withRetry, LogUnavailable } from '../../examples/relay/signal-log/retry.js'
import { createConnection, type Connection } from '../../examples/relay/connection/connection.js'
import { createRooms } from '../../examples/relay/rooms/rooms.js'
import type { MemoryConnection } from './memory-connection.js'

/** The relay's own parts, put together as `createRelay` does it, on connections in memory instead of sockets. */
export interface MemoryRelay {
  /** Takes a connection. */
  take(memoryConnection: MemoryConnection): void
  /** Takes the request by which a page says farewell. */
  post(body: string): void
  /** Drops all that is logged in a room, except for so many of the newest. */
  trim(room: string, kept: number): void
  /** Ends the connections whose rights are not good any more. */
  review(): void
  /** The log fails for so long: calls are not carried out, or carried out and not answered. */
  trouble(milliseconds: number, isCarriedOut: boolean): void
  calm(): void
  /** The process is gone, and its memory with it. */
  kill(): void
  /** Lets everybody go in order; the memory is gone all the same. */
  stop(): Promise<void>
}

export interface MemoryRelayOptions {
  readonly history: number
  /** The rooms of the test. */
  readonly rooms: readonly string[]
  /** The rights of a token. @default nobody needs one */
  readonly authorize?: ((token: string) => Rights | undefined) | undefined
  readonly isRevoked?: (rights: Rights) => boolean
  /** Hears of every entry, before any page does. */
  readonly onLogged: (room: string, entry: Entry) => void
  /** Hears of what the relay itself holds for its own failure. */
  readonly onFailure: (error: unknown) => void
}

const BEAT = 25_000
const TERMS = { beat: BEAT, maxBytes: 65_536, window: 900_000 }

export function startMemoryRelay(options: MemoryRelayOptions): MemoryRelay {
  const { history, rooms: names, authorize, isRevoked, onLogged, onFailure } = options
  const { engine, trim } = createTrimmedLog(createMemoryLog({ history }), names)
  let troubleUntil = 0
  let isCarriedOut = false
  for (const name of names) engine.subscribe(name, (_epoch, entry) => entry && onLogged(name, entry))

  async function disturb<Result>(call: () => Promise<Result>): Promise<Result> {
    const isDisturbed = performance.now() < troubleUntil
    if (isDisturbed && !isCarriedOut) throw new Error('the log is away')
    const result = await call()
    if (isDisturbed) throw new Error('the answer of the log got lost')
    return result
  }

  const disturbed: SignalLog = {
    ...engine,
    append: (entries) => disturb(() => engine.append(entries)),
    read: (room, after, limit) => disturb(() => engine.read(room, after, limit)),
    find: (room, age) => disturb(() => engine.find(room, age)),
  }
  const log = withRetry(disturbed)
  const access = createAccess({
    host: '127.0.0.1',
    origins: [],
    isOpen: true,
    authorize,
    ...(isRevoked && { isRevoked }),
  })
  const connections = new Map<
    Writer,
    { readonly peer: Connection; readonly heart: Heartbeat; readonly memoryConnection: MemoryConnection }
  >()
  const rooms = createRooms({ log, onFailure: (writer, error) => connections.get(writer)?.peer.fail(error) })
  const fanOut = createFanOut({ maxBuffered: 1_048_576 })
  const addressOf = (): undefined => undefined
  const bodies = createBodyReader({ maxTotal: Number.POSITIVE_INFINITY, addressOf })
  const posts = createPosts({
    access,
    authenticate: () => problem(403, 'no-keys', 'This relay has no keys.'),
    log,
    bodies,
    publicBodies: bodies,
    maxBytes: TERMS.maxBytes,
    addressOf,
    farewellLimiter: createRateLimiter({ rate: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY }),
    openStream: () => problem(404, 'not-found', 'Pages of the model have WebSockets.'),
  })
  const tick = (): void => {
    for (const { heart: heartbeat } of connections.values()) heartbeat.tick()
  }
  const pulse = setInterval(() => setImmediate(tick), BEAT / TICKS_PER_BEAT)
  const silent = (): void => undefined
  let onEmpty = silent
  const logger = { debug: silent, info: silent, warn: silent, error: onFailure }

  const connectionOptions = {
    access,
    log,
    rooms,
    logger,
    terms: TERMS,
    users: createConcurrencyLimit(Number.POSITIVE_INFINITY),
    maxRooms: 128,
    rate: Number.POSITIVE_INFINITY,
    helloTimeout: 5000,
  }

  function onClose(writer: Writer): void {
    connections.delete(writer)
    if (connections.size === 0) onEmpty()
  }

  return {
    take(memoryConnection) {
      const { ws, socket } = memoryConnection
      const writer = fanOut.open(ws, socket)
      const connection = createConnection(ws, writer, connectionOptions, onClose)
      connections.set(writer, { peer: connection, heart: new Heartbeat(ws, writer), memoryConnection })
      memoryConnection.open()
    },
    post(body) {
      const request = Object.assign(new EventEmitter(), { headers: { 'content-type': 'text/plain' } })
      // Reading a body asks nothing more of a request. The log may be out of reach, or closed meanwhile.
      posts.fromPage(request as unknown as IncomingMessage).catch((error: unknown) => {
        if (!(error instanceof LogUnavailable)) onFailure(error)
      })
      request.emit('data', Buffer.from(body))
      request.emit('end')
    },
    trim,
    review() {
      for (const { peer: connection } of connections.values()) connection.recheckRights()
    },
    trouble(milliseconds, carriedOut) {
      troubleUntil = performance.now() + milliseconds
      isCarriedOut = carriedOut
    },
    calm() {
      troubleUntil = 0
    },
    kill() {
      clearInterval(pulse)
      for (const { memoryConnection } of connections.values()) memoryConnection.cut()
      void log.close()
    },
    async stop() {
      // As a server of Node does it, which calls back when the last connection is gone.
      const close = (done: () => void): void => {
        onEmpty = done
        if (connections.size === 0) done()
      }
      const server = { close, closeIdleConnections: silent, closeAllConnections: silent }
      // Draining asks nothing more of a server.
      await drain({
        connections: () => [...connections.values()].map(({ peer: connection }) => connection),
        server: server as unknown as Server,
        maxSpread: 5000,
      })
      clearInterval(pulse)
      for (const { memoryConnection } of connections.values()) memoryConnection.cut()
      await log.close()
    },
  }
}

/** A log that loses its oldest entries at any moment, and knows it. */
function createTrimmedLog(log: SignalLog, rooms: readonly string[]) {
  const floors = new Map<string, number>()
  const heads = new Map<string, number>()
  for (const room of rooms) log.subscribe(room, (_epoch, entry) => entry && heads.set(room, entry.offset))

  async function read(room: string, asked: number | 'end', limit: number): Promise<LogPage> {
    const page = await log.read(room, asked, limit)
    const floor = floors.get(room) ?? 0
    if (floor <= page.floor) return page
    const { id: floorId, ...rest } = await log.read(room, floor, limit)
    const own = { floor, ...(floorId !== undefined && { floorId }) }
    return asked === 'end' || asked >= floor ? { ...page, ...own } : { ...rest, ...own }
  }

  async function find(room: string, age: number): ReturnType<SignalLog['find']> {
    const found = await log.find(room, age)
    const floor = floors.get(room) ?? 0
    if (found.lost || found.after >= floor) return found
    return { after: floor, lost: 'trimmed' }
  }

  return {
    engine: { ...log, read, find },
    trim(room: string, kept: number): void {
      const head = heads.get(room) ?? 0
      floors.set(room, Math.max(floors.get(room) ?? 0, head - kept))
    },
  }
}
