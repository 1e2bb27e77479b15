import type { ReceivedFrame } from './inbox.js'

/** Maximum entries. Each signal may be stored twice (name and `*`); overflow drops the older half. */
const MAX_ENTRIES = 1024

export interface Backlog {
  /** Stores a signal for the first receiver of a type: the signal's own name, or `*`. */
  keep(type: string, frame: ReceivedFrame): void
  /** Removes and returns what was stored for a type, whose first receiver is registered now. */
  take(type: string): ReceivedFrame[]
  /** Drops what is stored. */
  drop(): void
  /** Drops what is stored and stores nothing more. */
  end(): void
}

/**
 * Stores signals without a receiver while the page loads: a module that loads later gets them, too. A `*` receiver does not
 * consume them.
 *
 * @param loadedAt When the page counts as loaded and nothing is stored any more (ms since its navigation).
 */
export function createBacklog(loadedAt: number): Backlog {
  let entries: { readonly type: string; readonly frame: ReceivedFrame }[] = []
  const taken = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  function end(): void {
    clearTimeout(timer)
    isOver = true
    entries = []
    taken.clear()
  }

  return {
    keep(type, frame) {
      if (isOver || taken.has(type)) return
      // Reading the clock for each signal would cost more than the rest of this function.
      if (!timer) {
        const left = loadedAt - performance.now()
        if (left <= 0) return end()
        timer = setTimeout(end, left)
      }
      if (entries.push({ type, frame }) > MAX_ENTRIES) entries.splice(0, MAX_ENTRIES / 2)
    },
    take(type) {
      taken.add(type)
      // For each live signal, too: usually nothing is stored.
      if (!entries[0]) return []
      const found = entries.filter((each) => each.type === type)
      entries = entries.filter((each) => each.type !== type)
      return found.map(({ frame }) => frame)
    },
    drop() {
      entries = []
    },
    end,
  }
}
