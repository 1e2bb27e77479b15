import type { SignalFrame } from '../protocol/frames.js'

/** A signal may wait for two: for its name, and for `'*'`. */
const MAX_WAITING = 512

export interface Unheard {
  /** Nobody was registered under `name`: the signal's own, or `'*'`. */
  keep(name: string, frame: SignalFrame): void
  /** What came for a receiver that is registered now. */
  take(room: string, name: string): SignalFrame[]
}

/**
 * Signals that nobody heard while the page was loading: a module that comes later, and receives in a room that was joined
 * before, gets them too. That somebody hears every name keeps them from nobody.
 */
export function createUnheard(isLoading: () => boolean): Unheard {
  let waiting: { readonly name: string; readonly frame: SignalFrame }[] = []

  return {
    keep(name, frame) {
      waiting = isLoading() ? [...waiting, { name, frame }].slice(-MAX_WAITING) : []
    },
    take(room, name) {
      const isFor = (each: (typeof waiting)[number]): boolean => each.name === name && each.frame.room === room
      const taken = isLoading() ? waiting.filter(isFor) : []
      waiting = waiting.filter((each) => !isFor(each))
      return taken.map(({ frame }) => frame)
    },
  }
}
