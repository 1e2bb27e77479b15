/** Retention limits of a room. */
export interface Retention {
  /** Maximum number of entries. */
  readonly history: number
  /** Maximum age (ms). */
  readonly historyMs: number
  /** Approximate maximum size of the entries (bytes). */
  readonly historyBytes: number
}

/** The room in which instances publish revocations and logouts. Its retention is a day, whatever the settings of other rooms. */
export const REVOCATIONS_ROOM = '$revocations'

/** Retention of revocations: time (ms) and number. */
export const REVOCATIONS_MS = 24 * 3_600_000
export const MAX_REVOCATIONS = 100_000

/** Returns a function that gives the retention limits of a room. */
export function createRetention(usual: Retention): (room: string) => Retention {
  const lasting = { history: MAX_REVOCATIONS, historyMs: REVOCATIONS_MS, historyBytes: Number.POSITIVE_INFINITY }
  return (room) => (room === REVOCATIONS_ROOM ? lasting : usual)
}
