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

/** Wraps a log and counts each append that fails; `EpochChanged` is an answer. */
export function countFailures(log: SignalLog, counters: Pick<Counters, 'appendFailed'>): SignalLog {
  return {
    get health() {
      return log.health
    },
    open: log.open,
    async append(entry) {
      try {
        return await log.append(entry)
      } catch (error) {
        if (!(error instanceof EpochChanged)) counters.appendFailed(failureReason(error))
        throw error
      }
    },
    read: log.read,
    find: log.find,
    subscribe: log.subscribe,
    close: log.close,
  }
}
