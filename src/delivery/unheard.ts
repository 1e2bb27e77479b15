import type { SignalFrame } from '../protocol/frames.js'

/** A signal may wait for two: for its name, and for `'*'`. What is too much goes by halves. */
const MAX_WAITING = 1024

export interface Unheard {
  /** Nobody is registered under `name`: the signal's own, or `'*'`. */
  keep(name: string, frame: SignalFrame): void
  /** What came for the first receiver of a name, which is registered now. */
  take(room: string, name: string): SignalFrame[]
  clear(): void
}

/**
 * Signals that nobody heard while the page was loading: a module that comes later, and receives in a room that was joined
 * before, gets them too. That somebody hears every name keeps them from nobody.
 *
 * @param loadedAt When the page counts as loaded and nothing is kept any more, in milliseconds since its navigation.
 */
export function createUnheard(loadedAt: number): Unheard {
  let waiting: { readonly key: string; readonly frame: SignalFrame }[] = []
  const taken = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function clear(): void {
    clearTimeout(timer)
    waiting = []
    taken.clear()
  }

  return {
    keep(name, frame) {
      const left = loadedAt - performance.now()
      if (left <= 0) return
      const key = `${frame.room} ${name}`
      if (taken.has(key)) return
      timer ??= setTimeout(clear, left)
      if (waiting.push({ key, frame }) > MAX_WAITING) waiting.splice(0, MAX_WAITING / 2)
    },
    take(room, name) {
      const key = `${room} ${name}`
      const found = waiting.filter((each) => each.key === key)
      waiting = waiting.filter((each) => each.key !== key)
      if (performance.now() < loadedAt) taken.add(key)
      return found.map(({ frame }) => frame)
    },
    clear,
  }
}
