import { sumCounts, type Counts } from '../metrics/counters.js'

/** The counts of all workers. They never fall, although workers end: Prometheus would take that for a restart. */
export interface Tally<Worker> {
  /** Adds the counts of workers that ended, and the latest known ones of workers that did not answer. */
  complete(answers: ReadonlyMap<Worker, Counts>): readonly Counts[]
  /** Keeps the latest known counts of a worker that has ended. */
  remove(worker: Worker): void
}

export function createTally<Worker>(): Tally<Worker> {
  const latest = new Map<Worker, Counts>()
  let past = sumCounts([])

  return {
    complete(answers) {
      for (const [worker, counts] of answers) latest.set(worker, counts)
      return [past, ...latest.values()]
    },
    remove(worker) {
      const counts = latest.get(worker)
      if (counts) past = sumCounts([past, counts])
      latest.delete(worker)
    },
  }
}
