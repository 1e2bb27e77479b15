import type { Writer } from '../output/writer.js'

/** The replays of one connection, run one page at a time across all its rooms. */
export interface ReplayQueue {
  /** Runs the work after the connection's earlier work. */
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
