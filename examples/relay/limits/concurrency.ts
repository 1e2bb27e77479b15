import { unshared, type ShareChanges } from './shared-changes.js'

/** Counts concurrent uses of each key, up to a limit. */
export interface ConcurrencyLimit {
  /** Counts one more use, and returns false at the limit. */
  acquire(key: string): boolean
  release(key: string): void
  /** Returns the uses of a key, those of other processes included. */
  count(key: string): number
}

/**
 * @param limit A function, if the limit may change.
 * @param share Counts the uses of several processes together.
 */
export function createConcurrencyLimit(
  limit: number | (() => number),
  share: ShareChanges = unshared,
): ConcurrencyLimit {
  const counts = new Map<string, number>()
  const announce = share(add)
  const count = (key: string): number => counts.get(key) ?? 0

  function add(key: string, change: number): void {
    const next = count(key) + change
    if (next > 0) counts.set(key, next)
    else counts.delete(key)
  }

  return {
    acquire(key) {
      if (count(key) >= (typeof limit === 'number' ? limit : limit())) return false
      add(key, 1)
      announce(key, 1)
      return true
    },
    release(key) {
      add(key, -1)
      announce(key, -1)
    },
    count,
  }
}
