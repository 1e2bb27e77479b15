import type { SignalFrame } from '../protocol/frames.js'

/** A signal may wait for two: for its name, and for `'*'`. What is too much goes by halves. */
const MAX_WAITING = 1024

export interface Unheard {
  /** Nobody is registered under this type: of the signal's own name, or of `'*'`. */
  keep(type: string, frame: SignalFrame): void
  /** What came for the first receiver of a type, which is registered now. */
  take(type: string): SignalFrame[]
  clear(): void
}

/**
 * Signals that nobody heard while the page was loading: a module that comes later, and receives in a room that was joined
 * before, gets them too. That somebody hears every name keeps them from nobody.
 *
 * @param loadedAt When the page counts as loaded and nothing is kept any more, in milliseconds since its navigation.
 */
export function createUnheard(loadedAt: number): Unheard {
  let waiting: { readonly type: string; readonly frame: SignalFrame }[] = []
  const taken = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  function clear(): void {
    clearTimeout(timer)
    isOver = true
    waiting = []
    taken.clear()
  }

  return {
    keep(type, frame) {
      if (isOver || taken.has(type)) return
      // Asking the clock for each signal would cost more than all the rest of this.
      if (!timer) {
        const left = loadedAt - performance.now()
        if (left <= 0) return clear()
        timer = setTimeout(clear, left)
      }
      if (waiting.push({ type, frame }) > MAX_WAITING) waiting.splice(0, MAX_WAITING / 2)
    },
    take(type) {
      const found = waiting.filter((each) => each.type === type)
      waiting = waiting.filter((each) => each.type !== type)
      if (performance.now() < loadedAt) taken.add(type)
      return found.map(({ frame }) => frame)
    },
    clear,
  }
}
