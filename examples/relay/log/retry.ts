import { EpochChanged, type AppendResult, type NewEntry, type SignalLog } from './log.js'

const FIRST_DELAY = 50
const MAX_DELAY = 1000

/** The log stayed out of reach for as long as the relay was willing to try. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable'
}

export interface RetryOptions {
  /** How long a call is tried again, in milliseconds. @default 15_000 */
  readonly retryFor?: number
  /** Hears of every failed try. */
  readonly onError?: (error: unknown) => void
}

export interface RetryingLog extends SignalLog {
  /**
   * @param isAbandoned Whether whoever brought it is gone: it is not tried again then, because it could overtake what the
   * same page sends on its next connection.
   */
  append(entry: NewEntry, isAbandoned?: () => boolean): Promise<AppendResult>
}

/** Lends a log patience: a call that fails is made again, unchanged, until it works or the time is over. */
export function withRetry(log: SignalLog, { retryFor = 15_000, onError }: RetryOptions = {}): RetryingLog {
  let isClosed = false

  async function retry<Result>(call: () => Promise<Result>, isAbandoned = () => false): Promise<Result> {
    const end = performance.now() + retryFor
    for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, MAX_DELAY)) {
      try {
        return await call()
      } catch (error) {
        if (error instanceof EpochChanged) throw error
        onError?.(error)
        if (isClosed || performance.now() + delay > end) {
          throw new LogUnavailable('The log did not answer in time.', { cause: error })
        }
      }
      await new Promise((resolve) => setTimeout(resolve, delay))
      if (isAbandoned()) throw new LogUnavailable('Whoever brought it is gone.')
    }
  }

  return {
    get health() {
      return log.health
    },
    open: log.open,
    append: (entry, isAbandoned) => retry(() => log.append(entry), isAbandoned),
    read: (...asked) => retry(() => log.read(...asked)),
    find(room, age, reader) {
      const askedAt = performance.now()
      // What is asked for grows older while the log has trouble.
      return retry(() => log.find(room, age + performance.now() - askedAt, reader))
    },
    subscribe: log.subscribe,
    close() {
      isClosed = true
      return log.close()
    },
  }
}
