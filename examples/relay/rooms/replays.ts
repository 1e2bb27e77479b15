import type { Writer } from '../output/writer.js'

/** Replays of one connection, whose pages are read and sent one after the other, whatever rooms they are of. */
export interface ReplayQueue {
  /** Does the work when the connection's earlier work is done. */
  run<Result>(writer: Writer, work: () => Promise<Result>): Promise<Result>
}

export function createReplayQueue(): ReplayQueue {
  const tails = new Map<Writer, Promise<unknown>>()

  return {
    async run(writer, work) {
      const previous = tails.get(writer)
      const current = previous ? previous.then(work) : work()
      const done = current.catch(() => {})
      tails.set(writer, done)
      try {
        return await current
      } finally {
        if (tails.get(writer) === done) tails.delete(writer)
      }
    },
  }
}
