import * as CloseCode from '../../../src/protocol/close-codes.js'
import { Heartbeat, TICKS_PER_BEAT } from './heartbeat.js'
import type { FanOut, Writer } from '../output/writer.js'
import type { Rejection } from '../limits/admission.js'
import type { ConcurrencyLimit } from '../limits/concurrency.js'
import { createConnection, type Connection, type ConnectionOptions } from './connection.js'
import type { FrameOutput, FrameSocket } from '../output/frame-socket.js'

/**
 * Maximum number of connections that are closed with the code TooMany at a time. A browser reads the reason only from a
 * close frame.
 */
const MAX_REJECTING = 100

export interface ConnectionsOptions extends ConnectionOptions {
  readonly fanOut: FanOut
  /** Counts the connections under an empty key, those of other processes included. */
  readonly connectionCount: ConcurrencyLimit
  /** Maximum number of connections. */
  readonly maxConnections: number
}

/** All open connections. */
export interface Connections {
  readonly size: number
  /** True when there is no room for another connection. */
  readonly isFull: boolean
  /** False when handshakes should fail instead, because too many connections are being rejected with a close code. */
  readonly canReject: boolean
  all(): readonly Connection[]
  /** @param address The client's address, unless it is a loopback one. */
  add(ws: FrameSocket, socket: FrameOutput, address?: string): Connection
  /** Closes a connection with the code TooMany. */
  reject(ws: FrameSocket, socket: FrameOutput, rejection: Rejection): void
  /** Ends the connections whose rights are no longer valid. */
  recheckRights(): void
  fail(writer: Writer, error: unknown): void
  /** Starts the heartbeats. */
  start(): void
  stop(): void
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { fanOut, terms, connectionCount } = options
  const connections = new Map<Writer, { readonly connection: Connection; readonly heartbeat: Heartbeat }>()
  let rejecting = 0
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    for (const { heartbeat } of connections.values()) heartbeat.tick()
  }

  function onClose(writer: Writer): void {
    connections.delete(writer)
    connectionCount.release('')
  }

  function reject(ws: FrameSocket, socket: FrameOutput, { reason, retryAfter }: Rejection): void {
    const writer = fanOut.open(ws, socket)
    ws.on('error', () => {})
    rejecting += 1
    ws.on('close', () => (rejecting -= 1))
    writer.send({ type: 'goodbye', retryAfter, reason: 'too-many' })
    writer.end(CloseCode.TooMany, reason)
  }

  return {
    get size() {
      return connections.size
    },
    get isFull() {
      return connectionCount.count('') >= options.maxConnections
    },
    get canReject() {
      return rejecting < MAX_REJECTING
    },
    all: () => [...connections.values()].map(({ connection }) => connection),
    reject,
    add(ws, socket, address) {
      const writer = fanOut.open(ws, socket, address)
      const connection = createConnection(ws, writer, options, onClose)
      connections.set(writer, { connection, heartbeat: new Heartbeat(ws, writer) })
      connectionCount.acquire('')
      return connection
    },
    recheckRights() {
      for (const { connection } of connections.values()) connection.recheckRights()
    },
    fail: (writer, error) => connections.get(writer)?.connection.fail(error),
    start() {
      // Read received data before a connection counts as silent: this timer may be late.
      timer = setInterval(() => setImmediate(tick), terms.beat / TICKS_PER_BEAT)
    },
    stop: () => clearInterval(timer),
  }
}
