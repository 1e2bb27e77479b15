import type { Lane } from '../output/writer.js'

/** Replays of one connection, whose pages are read and sent one after the other, whatever rooms they are of. */
export interface Replays {
  /** Does the work when the connection's earlier work is done. */
  inTurn<Result>(lane: Lane, work: () => Promise<Result>): Promise<Result>
}

export function createReplays(): Replays {
  const latest = new Map<Lane, Promise<unknown>>()

  return {
    async inTurn(lane, work) {
      const before = latest.get(lane)
      const mine = before ? before.then(work) : work()
      const done = mine.catch(() => {})
      latest.set(lane, done)
      try {
        return await mine
      } finally {
        if (latest.get(lane) === done) latest.delete(lane)
      }
    },
  }
}
