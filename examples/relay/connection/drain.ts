import type { Server } from 'node:http'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import type { Peer } from './connection.js'

export interface DrainOptions {
  /** Who is connected now. */
  readonly peers: () => readonly Peer[]
  readonly server: Server
  /** The time over which clients are asked to come back, in milliseconds. */
  readonly spread: number
}

/** Lets everybody go in order: says goodbye, answers what had come, closes. Takes less than 10 seconds. */
export async function drain({ peers, server, spread }: DrainOptions): Promise<void> {
  const leaving = peers()
  const finished = leaving.map((peer, index) => {
    // Each has a slot of its own, so that they do not all come back at once.
    const retryAfter = Math.floor(((index + Math.random()) * spread) / leaving.length)
    peer.lane.say({ type: 'goodbye', retryAfter, reason: 'restart' })
    return peer.finish()
  })
  await within(FINISHING, Promise.all(finished))
  for (const peer of peers()) peer.lane.end(CloseCode.Restart, 'restart')
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  await within(CLOSING, closed)
  for (const peer of peers()) peer.terminate()
  server.closeAllConnections()
}

const FINISHING = 4000
const CLOSING = 3000

async function within(limit: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, limit)
  })
  await Promise.race([work, over])
  clearTimeout(timer)
}
