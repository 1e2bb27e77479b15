/** Counts who is there, by key, up to a limit for each. */
export interface Headcount {
  /** Counts one more, unless there are as many as may be. */
  enter(key: string): boolean
  leave(key: string): void
}

export function createHeadcount(limit: number): Headcount {
  const counts = new Map<string, number>()
  return {
    enter(key) {
      const count = counts.get(key) ?? 0
      if (count >= limit) return false
      counts.set(key, count + 1)
      return true
    },
    leave(key) {
      const count = counts.get(key) ?? 0
      if (count > 1) counts.set(key, count - 1)
      else counts.delete(key)
    },
  }
}
