import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { Heartbeat, TICKS_PER_BEAT } from './heartbeat.js'
import type { FanOut, Writer } from '../output/writer.js'
import { createConnection, type Connection, type ConnectionOptions } from './connection.js'

/** Connections that are being closed for being too many, at a time: a browser learns the reason in no other way. */
const MAX_REJECTING = 100

export interface ConnectionsOptions extends ConnectionOptions {
  readonly fanOut: FanOut
  /** Connections at a time. */
  readonly maxConnections: number
}

/** Everybody who is connected. */
export interface Connections {
  readonly size: number
  /** Whether so many are being told that there are too many that the next are not even let in. */
  readonly isSaturated: boolean
  all(): readonly Connection[]
  /** @param address Whose connection it is, unless it is this machine's. */
  add(ws: WebSocket, socket: Duplex, address?: string): void
  /** Ends the connections whose rights are not good any more. */
  recheckRights(): void
  fail(writer: Writer, error: unknown): void
  /** Lets the hearts beat. */
  start(): void
  stop(): void
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { fanOut, maxConnections, logger, terms } = options
  const connections = new Map<Writer, { readonly peer: Connection; readonly heart: Heartbeat }>()
  let rejecting = 0
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    for (const { heart: heartbeat } of connections.values()) heartbeat.tick()
  }

  return {
    get size() {
      return connections.size
    },
    get isSaturated() {
      return connections.size >= maxConnections && rejecting >= MAX_REJECTING
    },
    all: () => [...connections.values()].map(({ peer: connection }) => connection),
    add(ws, socket, address) {
      const writer = fanOut.open(ws, socket, address)
      if (connections.size >= maxConnections) {
        ws.on('error', () => {})
        rejecting += 1
        ws.on('close', () => (rejecting -= 1))
        logger.warn({ connections: connections.size }, 'too many connections; --max-connections sets the limit')
        return writer.end(CloseCode.TooMany, 'too many connections')
      }
      connections.set(writer, { peer: createConnection(ws, writer, options), heart: new Heartbeat(ws, writer) })
      ws.on('close', () => connections.delete(writer))
    },
    recheckRights() {
      for (const { peer: connection } of connections.values()) connection.recheckRights()
    },
    fail: (writer, error) => connections.get(writer)?.peer.fail(error),
    start() {
      // What has arrived is read before silence is judged: a late timer is no evidence against anybody.
      timer = setInterval(() => setImmediate(tick), terms.beat / TICKS_PER_BEAT)
    },
    stop: () => clearInterval(timer),
  }
}
