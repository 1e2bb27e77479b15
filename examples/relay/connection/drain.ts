import type { Server } from 'node:http'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { isDoneWithin } from '../timeout.js'
import type { Connection } from './connection.js'

const FINISH_TIMEOUT = 4000
const CLOSE_TIMEOUT = 3000

export interface DrainOptions {
  /** Returns the open connections. */
  readonly connections: () => readonly Connection[]
  readonly server: Server
  /** Time over which clients are asked to reconnect (ms). */
  readonly spread: number
}

/** Sends goodbye, answers the received frames and closes all connections. Takes less than 10 seconds. */
export async function drain({ connections, server, spread }: DrainOptions): Promise<void> {
  const leaving = connections()
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
