import type { Server } from 'node:http'
import { createAccess } from '../../examples/relay/access/access.js'
import { Heart, TICKS_PER_BEAT } from '../../examples/relay/beat.js'
import { drain } from '../../examples/relay/drain.js'
import { createFanOut, type Lane } from '../../examples/relay/fan-out.js'
import { createHeadcount } from '../../examples/relay/limits/headcount.js'
import type { Entry, SignalLog } from '../../examples/relay/log/log.js'
import { createMemoryLog } from '../../examples/relay/log/memory.js'
import { createPatientLog } from '../../examples/relay/log/patient.js'
import { createPeer, type Peer } from '../../examples/relay/peer.js'
import { createRooms } from '../../examples/relay/rooms.js'
import type { MemoryLine } from './memory-line.js'

/** The relay's own parts, put together as `createRelay` does it, on lines instead of sockets. */
export interface MemoryRelay {
  /** Takes a connection. */
  take(line: MemoryLine): void
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
  /** Hears of every entry, before any page does. */
  readonly onLogged: (room: string, entry: Entry) => void
  /** Hears of what the relay itself holds for its own failure. */
  readonly onFailure: (error: unknown) => void
}

const BEAT = 25_000
const TERMS = { beat: BEAT, maxBytes: 65_536, window: 900_000 }

export function startMemoryRelay({ history, rooms: names, onLogged, onFailure }: MemoryRelayOptions): MemoryRelay {
  const engine = createMemoryLog({ history })
  let troubleUntil = 0
  let isCarriedOut = false
  for (const name of names) engine.follow(name, (_epoch, entry) => entry && onLogged(name, entry))

  async function vex<Result>(call: () => Promise<Result>): Promise<Result> {
    const isVexed = performance.now() < troubleUntil
    if (isVexed && !isCarriedOut) throw new Error('the log is away')
    const result = await call()
    if (isVexed) throw new Error('the answer of the log got lost')
    return result
  }

  const vexed: SignalLog = {
    ...engine,
    append: (draft) => vex(() => engine.append(draft)),
    read: (room, after, limit) => vex(() => engine.read(room, after, limit)),
    find: (room, age) => vex(() => engine.find(room, age)),
  }
  const log = createPatientLog(vexed)
  const access = createAccess({ host: '127.0.0.1', origins: [], isOpen: true })
  const peers = new Map<Lane, { readonly peer: Peer; readonly heart: Heart; readonly line: MemoryLine }>()
  const rooms = createRooms({ log, onFailure: (lane, error) => peers.get(lane)?.peer.fail(error) })
  const fanOut = createFanOut({ maxBuffered: 1_048_576 })
  const tick = (): void => {
    for (const { heart } of peers.values()) heart.tick()
  }
  const pulse = setInterval(() => setImmediate(tick), BEAT / TICKS_PER_BEAT)
  const silent = (): void => undefined
  let onEmpty = silent
  const logger = { debug: silent, info: silent, warn: silent, error: onFailure }

  return {
    take(line) {
      const { ws, socket } = line
      const lane = fanOut.open(ws, socket)
      const peer = createPeer(ws, lane, {
        access,
        log,
        rooms,
        logger,
        terms: TERMS,
        users: createHeadcount(Number.POSITIVE_INFINITY),
        maxRooms: 128,
        rate: Number.POSITIVE_INFINITY,
        helloTimeout: 5000,
      })
      peers.set(lane, { peer, heart: new Heart(ws, lane), line })
      ws.once('close', () => {
        peers.delete(lane)
        if (peers.size === 0) onEmpty()
      })
      line.open()
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
      for (const { line } of peers.values()) line.cut()
      void log.close()
    },
    async stop() {
      // As a server of Node does it, which calls back when the last connection is gone.
      const close = (done: () => void): void => {
        onEmpty = done
        if (peers.size === 0) done()
      }
      const server = { close, closeIdleConnections: silent, closeAllConnections: silent }
      // Draining asks nothing more of a server.
      await drain({
        peers: () => [...peers.values()].map(({ peer }) => peer),
        server: server as unknown as Server,
        spread: 5000,
      })
      clearInterval(pulse)
      for (const { line } of peers.values()) line.cut()
      await log.close()
    },
  }
}
