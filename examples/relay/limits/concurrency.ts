/** Counts concurrent uses of each key, up to a limit. */
export interface ConcurrencyLimit {
  /** Counts one more use, and returns false at the limit. */
  acquire(key: string): boolean
  release(key: string): void
}

/** @param limit A function, if the limit may change. */
export function createConcurrencyLimit(limit: number | (() => number)): ConcurrencyLimit {
  const counts = new Map<string, number>()
  return {
    acquire(key) {
      const count = counts.get(key) ?? 0
      if (count >= (typeof limit === 'number' ? limit : limit())) return false
      counts.set(key, count + 1)
      return true
    },
    release(key) {
      const count = counts.get(key) ?? 0
      if (count > 1) counts.set(key, count - 1)
      else counts.delete(key)
    },
  }
}
