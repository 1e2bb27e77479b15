import type { AppendResult } from '../log.js'

/** Memory of an id and of a digest in a map: measured and rounded up (bytes). */
const ID_BYTES = 96
const DIGEST_BYTES = 128

/** The ids in the log, oldest first. */
export interface KnownIds {
  /** Approximate memory (bytes). */
  readonly bytes: number
  /** Adds an id for the time of the window. Returns `logged` for a new id. */
  add(id: string, digest: string | undefined): AppendResult
  /** Evicts the ids whose window has ended. */
  evictExpired(): void
  /** Evicts the oldest id before its window ends. */
  evictOldest(): void
  clear(): void
}

/**
 * @param window Time for which an id is remembered (ms).
 * @param now Monotonic clock (ms).
 */
export function createKnownIds(window: number, now: () => number): KnownIds {
  // Whole numbers need no heap memory of their own.
  const times = new Map<string, number>()
  const digests = new Map<string, string>()

  // The iterator is kept: a new one would skip the slots of all evicted ids again.
  let iterator = times.entries()
  let oldest: readonly [id: string, seenAt: number] | undefined

  function findOldest(): typeof oldest {
    if (oldest) return oldest
    let next = iterator.next()
    if (next.done) {
      iterator = times.entries()
      next = iterator.next()
    }
    oldest = next.value
    return oldest
  }

  function evictOldest(): void {
    const found = findOldest()
    if (!found) return
    times.delete(found[0])
    digests.delete(found[0])
    oldest = undefined
  }

  function evictExpired(): void {
    const begin = now() - window
    for (let found = findOldest(); found && found[1] < begin; found = findOldest()) evictOldest()
  }

  return {
    get bytes() {
      return times.size * ID_BYTES + digests.size * DIGEST_BYTES
    },
    add(id, digest) {
      evictExpired()
      if (times.has(id)) return digests.get(id) === digest ? 'known' : 'conflict'
      times.set(id, Math.ceil(now()))
      if (digest !== undefined) digests.set(id, digest)
      return 'logged'
    },
    evictExpired,
    evictOldest,
    clear() {
      times.clear()
      digests.clear()
      oldest = undefined
    },
  }
}
