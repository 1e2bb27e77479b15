/** What is kept of a room. */
export interface Keeping {
  /** Entries. */
  readonly history: number
  /** How long, in milliseconds. */
  readonly historyMs: number
  /** Bytes of entries, roughly. */
  readonly historyBytes: number
}

/** The room in which the instances tell each other what was taken back. It is kept for a day, whatever is kept of others. */
export const REVOCATIONS = '$revocations'

/** How long a revocation must be known, in milliseconds, and how many of them. */
export const REVOCATIONS_MS = 24 * 3_600_000
export const MOST_REVOCATIONS = 100_000

/** Tells what is kept of a room, from what is kept of those of the clients. */
export function createKeeping(usual: Keeping): (room: string) => Keeping {
  const lasting = { history: MOST_REVOCATIONS, historyMs: REVOCATIONS_MS, historyBytes: Number.POSITIVE_INFINITY }
  return (room) => (room === REVOCATIONS ? lasting : usual)
}
