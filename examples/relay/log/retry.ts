import { EpochChanged, type Appended, type Draft, type SignalLog } from './log.js'

/** The log stayed out of reach for as long as the relay was willing to try. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable'
}

export interface PatienceOptions {
  /** How long a call is tried again, in milliseconds. @default 15_000 */
  readonly patience?: number
  /** Hears of every failed try. */
  readonly onTrouble?: (error: unknown) => void
}

export interface PatientLog extends SignalLog {
  /**
   * @param isGivenUp Whether whoever brought it is gone: it is not tried again then, because it could overtake what the
   * same page sends on its next connection.
   */
  append(draft: Draft, isGivenUp?: () => boolean): Promise<Appended>
}

/** Lends a log patience: a call that fails is made again, unchanged, until it works or the time is over. */
export function createPatientLog(log: SignalLog, { patience = 15_000, onTrouble }: PatienceOptions = {}): PatientLog {
  let isClosed = false

  async function persist<Result>(call: () => Promise<Result>, isGivenUp = () => false): Promise<Result> {
    const end = performance.now() + patience
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        return await call()
      } catch (error) {
        if (error instanceof EpochChanged) throw error
        onTrouble?.(error)
        if (isClosed || performance.now() + pause > end) {
          throw new LogUnavailable('The log did not answer in time.', { cause: error })
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
      if (isGivenUp()) throw new LogUnavailable('Whoever brought it is gone.')
    }
  }

  return {
    get health() {
      return log.health
    },
    open: log.open,
    append: (draft, isGivenUp) => persist(() => log.append(draft), isGivenUp),
    read: (...asked) => persist(() => log.read(...asked)),
    find(room, age, reader) {
      const askedAt = performance.now()
      // What is asked for grows older while the log has trouble.
      return persist(() => log.find(room, age + performance.now() - askedAt, reader))
    },
    follow: log.follow,
    close() {
      isClosed = true
      return log.close()
    },
  }
}

const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1000
