/** What is kept of a room. */
export interface Retention {
  /** Entries. */
  readonly history: number
  /** How long, in milliseconds. */
  readonly historyMs: number
  /** Bytes of entries, roughly. */
  readonly historyBytes: number
}

/** The room in which the instances tell each other what was taken back. It is kept for a day, whatever is kept of others. */
export const REVOCATIONS_ROOM = '$revocations'

/** How long a revocation must be known, in milliseconds, and how many of them. */
export const REVOCATIONS_MS = 24 * 3_600_000
export const MAX_REVOCATIONS = 100_000

/** Tells what is kept of a room, from what is kept of those of the clients. */
export function createRetention(usual: Retention): (room: string) => Retention {
  const lasting = { history: MAX_REVOCATIONS, historyMs: REVOCATIONS_MS, historyBytes: Number.POSITIVE_INFINITY }
  return (room) => (room === REVOCATIONS_ROOM ? lasting : usual)
}
