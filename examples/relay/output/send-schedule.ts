/** The longest time for which a busy relay gathers frames (ms). */
const MAX_REST = 5

/** Sends what it has gathered. */
interface Flushable {
  flush(): void
}

/** Decides when frames are sent: gathered frames share a write, but frames of a quiet relay need not wait for others. */
export interface SendSchedule {
  /** Returns whether a frame for many connections is to be written at once. Ask for each connection. */
  sendsAtOnce(frame: Buffer): boolean
  /** Flushes at the end of this turn of the event loop, or after the rest of a busy relay. */
  add(flushable: Flushable): void
}

/** @param onFlush Called before each flush. */
export function createSendSchedule(onFlush: () => void): SendSchedule {
  let scheduled: Flushable[] = []
  /** The frame with which this turn began. */
  let first: Buffer | undefined
  let hasSeveral = false
  /** True when several frames were for many connections in the last turn: more of them are likely to follow. */
  let isBusy = false
  let restUntil = 0

  function plan(): void {
    const rest = isBusy ? restUntil - performance.now() : 0
    // Timers count in milliseconds.
    if (rest < 1) setImmediate(flush)
    else setTimeout(flush, rest)
  }

  function flush(): void {
    const flushables = scheduled
    scheduled = []
    isBusy = hasSeveral
    hasSeveral = false
    first = undefined
    onFlush()
    const begin = performance.now()
    for (const flushable of flushables) flushable.flush()
    const end = performance.now()
    // Half of a core is left for other work, and each write carries the more.
    restUntil = end + Math.min(end - begin, MAX_REST)
  }

  return {
    sendsAtOnce(frame) {
      if (first === undefined) {
        first = frame
        if (scheduled.length === 0) plan()
      }
      if (frame !== first) hasSeveral = true
      return frame === first && !isBusy
    },
    add(flushable) {
      if (scheduled.push(flushable) === 1 && first === undefined) plan()
    },
  }
}
