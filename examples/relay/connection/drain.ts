import type { Server } from 'node:http'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { isDoneWithin } from '../timeout.js'
import type { Connection } from './connection.js'

const FINISH_TIMEOUT = 4000
const CLOSE_TIMEOUT = 3000

/** Time over which even a few clients return: others may return with them from another relay (ms). */
const MIN_SPREAD = 1000
/** Time for each client to return: a relay takes thousands a second, and has other work (ms). */
const SPREAD_PER_CLIENT = 1

export interface DrainOptions {
  /** Returns the open connections. */
  readonly connections: () => readonly Connection[]
  readonly server: Server
  /** Longest time over which clients are asked to reconnect (ms). */
  readonly maxSpread: number
}

/** Sends goodbye, answers the received frames and closes all connections. Takes less than 10 seconds. */
export async function drain({ connections, server, maxSpread }: DrainOptions): Promise<void> {
  const leaving = connections()
  const spread = Math.min(Math.max(leaving.length * SPREAD_PER_CLIENT, MIN_SPREAD), maxSpread)
  const finished = leaving.map((connection, index) => {
    // Each client gets its own time slot, so that they do not all reconnect at once.
    const retryAfter = Math.floor(((index + Math.random()) * spread) / leaving.length)
    connection.writer.send({ type: 'goodbye', retryAfter, reason: 'restart' })
    return connection.finish()
  })
  await isDoneWithin(FINISH_TIMEOUT, Promise.all(finished))
  for (const connection of connections()) connection.writer.end(CloseCode.Restart, 'restart')
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  await isDoneWithin(CLOSE_TIMEOUT, closed)
  for (const connection of connections()) connection.terminate()
  server.closeAllConnections()
}
