/** Resolves after so many milliseconds. Sets the pace of faults; never evidence that something has happened. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Waits until a condition holds, and says whether it did before the time was over. */
export async function until(condition: () => boolean, limit: number): Promise<boolean> {
  const end = performance.now() + limit
  while (!condition()) {
    if (performance.now() > end) return false
    await pause(20)
  }
  return true
}

export interface Quiet {
  /** Grows with everything that counts as progress. */
  readonly progress: () => number
  /** Whether all that was to come has come: then a short silence is enough. */
  readonly isLevel: () => boolean
}

/** Waits until nothing progresses any more. Returns false when things still moved, or were not level, at the end. */
export async function quiesce({ progress, isLevel }: Quiet): Promise<boolean> {
  const end = performance.now() + LONGEST_WAIT
  let last = progress()
  let lastAt = performance.now()
  while (performance.now() < end) {
    await pause(50)
    const now = progress()
    if (now !== last) {
      last = now
      lastAt = performance.now()
    } else if (isLevel() && performance.now() - lastAt > SILENCE_WHEN_LEVEL) return true
  }
  return false
}

const LONGEST_WAIT = 60_000
const SILENCE_WHEN_LEVEL = 1000
