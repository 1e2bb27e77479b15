import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { Heart, TICKS_PER_BEAT } from './heartbeat.js'
import type { FanOut, Lane } from '../output/writer.js'
import { createPeer, type Peer, type PeerOptions } from './connection.js'

export interface PeersOptions extends PeerOptions {
  readonly fanOut: FanOut
  /** Connections at a time. */
  readonly maxConnections: number
}

/** Everybody who is connected. */
export interface Peers {
  readonly size: number
  /** Whether so many are being told that there are too many that the next are not even let in. */
  readonly isCrowded: boolean
  all(): readonly Peer[]
  /** @param address Whose connection it is, unless it is this machine's. */
  welcome(ws: WebSocket, socket: Duplex, address?: string): void
  /** Ends the connections whose rights are not good any more. */
  review(): void
  fail(lane: Lane, error: unknown): void
  /** Lets the hearts beat. */
  start(): void
  stop(): void
}

export function createPeers(options: PeersOptions): Peers {
  const { fanOut, maxConnections, logger, terms } = options
  const peers = new Map<Lane, { readonly peer: Peer; readonly heart: Heart }>()
  let told = 0
  let pulse: NodeJS.Timeout | undefined

  function tick(): void {
    for (const { heart } of peers.values()) heart.tick()
  }

  return {
    get size() {
      return peers.size
    },
    get isCrowded() {
      return peers.size >= maxConnections && told >= MOST_TOLD
    },
    all: () => [...peers.values()].map(({ peer }) => peer),
    welcome(ws, socket, address) {
      const lane = fanOut.open(ws, socket, address)
      if (peers.size >= maxConnections) {
        ws.on('error', () => {})
        told += 1
        ws.on('close', () => (told -= 1))
        logger.warn({ connections: peers.size }, 'too many connections; --max-connections sets the limit')
        return lane.end(CloseCode.TooMany, 'too many connections')
      }
      peers.set(lane, { peer: createPeer(ws, lane, options), heart: new Heart(ws, lane) })
      ws.on('close', () => peers.delete(lane))
    },
    review() {
      for (const { peer } of peers.values()) peer.review()
    },
    fail: (lane, error) => peers.get(lane)?.peer.fail(error),
    start() {
      // What has arrived is read before silence is judged: a late timer is no evidence against anybody.
      pulse = setInterval(() => setImmediate(tick), terms.beat / TICKS_PER_BEAT)
    },
    stop: () => clearInterval(pulse),
  }
}

/** Connections that are being closed for being too many, at a time: a browser learns the reason in no other way. */
const MOST_TOLD = 100
