import type { AppendResult } from '../log.js'

/** What an id, and a digest, take with their places in a map: measured, and rounded up. */
const ID_BYTES = 96
const DIGEST_BYTES = 128

/** The ids that were logged, in the order in which they came. */
export interface KnownIds {
  /** What they weigh, roughly. */
  readonly bytes: number
  /** Takes an id that was not known in for a window of time; `logged` means that it was not. */
  add(id: string, digest: string | undefined): AppendResult
  /** Forgets the ids whose window is over. */
  evictExpired(): void
  /** Forgets the one that is known for the longest time, though its window is not over. */
  evictOldest(): void
  clear(): void
}

/**
 * @param window How long an id is known, in milliseconds.
 * @param now A clock that never jumps, in milliseconds.
 */
export function createKnownIds(window: number, now: () => number): KnownIds {
  // A whole number takes no memory of its own, and there are as many as ids.
  const times = new Map<string, number>()
  const digests = new Map<string, string>()

  // Kept, because one that begins anew walks past the places of all that were forgotten.
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
