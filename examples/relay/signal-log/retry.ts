import { EpochChanged, type AppendResult, type NewEntry, type SignalLog } from './log.js'

const FIRST_DELAY = 50
const MAX_DELAY = 1000

/** The log was unavailable for the whole retry time. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable'
}

export interface RetryOptions {
  /** Retry time (ms). @default 15_000 */
  readonly retryFor?: number
  /** Receives every failed attempt. */
  readonly onError?: (error: unknown) => void
}

export interface RetryingLog extends SignalLog {
  /**
   * @param isAbandoned Reports whether the sender has disconnected. Retrying then stops: a late append could overtake
   * signals that the same page sends on its next connection.
   */
  append(entries: readonly NewEntry[], isAbandoned?: () => boolean): Promise<readonly AppendResult[]>
}

/** Retries failed calls unchanged until they succeed or time is up. */
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
      if (isAbandoned()) throw new LogUnavailable('The sender has disconnected.')
    }
  }

  return {
    get health() {
      return log.health
    },
    open: log.open,
    append: (entries, isAbandoned) => retry(() => log.append(entries), isAbandoned),
    read: (...asked) => retry(() => log.read(...asked)),
    find(room, age, reader) {
      const askedAt = performance.now()
      // The requested age grows while the log is unavailable.
      return retry(() => log.find(room, age + performance.now() - askedAt, reader))
    },
    subscribe: log.subscribe,
    close() {
      isClosed = true
      return log.close()
    },
  }
}
