import type { Activity } from './counters.js'
import type { RetryingLog } from '../log/retry.js'

/** The same log, which tells what it took. */
export function countAppends(log: RetryingLog, activity: Pick<Activity, 'logged'>): RetryingLog {
  return {
    get health() {
      return log.health
    },
    open: log.open,
    async append(draft, isGivenUp) {
      const appended = await log.append(draft, isGivenUp)
      activity.logged(draft, appended)
      return appended
    },
    read: log.read,
    find: log.find,
    subscribe: log.subscribe,
    close: log.close,
  }
}
