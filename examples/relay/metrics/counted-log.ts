import type { Counters } from './counters.js'
import type { RetryingLog } from '../signal-log/retry.js'

/** Wraps a log and counts its appends. */
export function countAppends(log: RetryingLog, counters: Pick<Counters, 'logged'>): RetryingLog {
  return {
    get health() {
      return log.health
    },
    open: log.open,
    async append(entry, isGivenUp) {
      const result = await log.append(entry, isGivenUp)
      counters.logged(entry, result)
      return result
    },
    read: log.read,
    find: log.find,
    subscribe: log.subscribe,
    close: log.close,
  }
}
