import type { SignalFrame } from '../protocol/frames.js'

/** How long after its navigation a page counts as one that is still loading, in milliseconds. */
export const NAVIGATION_WINDOW = 60_000

const MAX_FRAMES = 256

export interface Unheard {
  keep(frame: SignalFrame): void
  /** What came for a receiver that is registered now; `'*'` is for every name. */
  take(room: string, name: string): SignalFrame[]
}

/**
 * Signals that nobody heard while the page was loading: a module that comes later, and receives in a room that was joined
 * before, gets them too.
 */
export function createUnheard(): Unheard {
  let frames: SignalFrame[] = []
  const isLoading = (): boolean => performance.now() < NAVIGATION_WINDOW

  return {
    keep(frame) {
      frames = isLoading() ? [...frames, frame].slice(-MAX_FRAMES) : []
    },
    take(room, name) {
      const isFor = (frame: SignalFrame): boolean => frame.room === room && (name === '*' || frame.signal === name)
      const taken = isLoading() ? frames.filter(isFor) : []
      frames = frames.filter((frame) => !isFor(frame))
      return taken
    },
  }
}
