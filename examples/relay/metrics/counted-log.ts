import type { Counters } from './counters.js'
import { failureReason } from '../signal-log/failure-reason.js'
import { EpochChanged, type SignalLog } from '../signal-log/log.js'
import type { RetryingLog } from '../signal-log/retry.js'

/** Wraps a log and counts its appends. */
export function countAppends(log: RetryingLog, counters: Pick<Counters, 'logged'>): RetryingLog {
  return {
    get health() {
      return log.health
    },
    open: log.open,
    async append(entries, isAbandoned) {
      const results = await log.append(entries, isAbandoned)
      counters.logged(entries, results)
      return results
    },
    read: log.read,
    find: log.find,
    subscribe: log.subscribe,
    close: log.close,
  }
}

/** Wraps a log and counts each signal that it did not append; `EpochChanged` is an answer. */
export function countFailures(log: SignalLog, counters: Pick<Counters, 'appendFailed'>): SignalLog {
  return {
    get health() {
      return log.health
    },
    open: log.open,
    async append(entries) {
      try {
        return await log.append(entries)
      } catch (error) {
        if (!(error instanceof EpochChanged)) counters.appendFailed(failureReason(error), entries.length)
        throw error
      }
    },
    read: log.read,
    find: log.find,
    subscribe: log.subscribe,
    close: log.close,
  }
}
