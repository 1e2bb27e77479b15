import type { Appended } from '../log.js'

/** The ids that were logged, in the order in which they came. */
export interface KnownIds {
  /** What they weigh, roughly. */
  readonly bytes: number
  /** Takes an id that was not known in for a window of time; `logged` means that it was not. */
  enter(id: string, digest: string | undefined): Appended
  /** Forgets the ids whose window is over. */
  forgetOld(): void
  /** Forgets the one that is known for the longest time, though its window is not over. */
  forgetOldest(): void
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
  let walk = times.entries()
  let oldest: readonly [id: string, seenAt: number] | undefined

  function findOldest(): typeof oldest {
    if (oldest) return oldest
    let next = walk.next()
    if (next.done) {
      walk = times.entries()
      next = walk.next()
    }
    oldest = next.value
    return oldest
  }

  function forgetOldest(): void {
    const found = findOldest()
    if (!found) return
    times.delete(found[0])
    digests.delete(found[0])
    oldest = undefined
  }

  function forgetOld(): void {
    const begin = now() - window
    for (let found = findOldest(); found && found[1] < begin; found = findOldest()) forgetOldest()
  }

  return {
    get bytes() {
      return times.size * ID_BYTES + digests.size * DIGEST_BYTES
    },
    enter(id, digest) {
      forgetOld()
      if (times.has(id)) return digests.get(id) === digest ? 'known' : 'conflict'
      times.set(id, Math.ceil(now()))
      if (digest !== undefined) digests.set(id, digest)
      return 'logged'
    },
    forgetOld,
    forgetOldest,
    clear() {
      times.clear()
      digests.clear()
      oldest = undefined
    },
  }
}

/** What an id, and a digest, take with their places in a map: measured, and rounded up. */
const ID_BYTES = 96
const DIGEST_BYTES = 128
