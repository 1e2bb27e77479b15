const MIN_SWEEP_SIZE = 1024

export interface RateOptions {
  /** How many per second, in the long run. */
  readonly rate: number
  /** How many at once after a rest. */
  readonly burst: number
  /** A clock that never jumps, in milliseconds. @default performance.now */
  readonly now?: () => number
}

/** Spreads what comes too fast: everything gets its turn, later if need be. All that it remembers is when the last turn was due. */
export class Throttle {
  readonly #interval: number
  readonly #burst: number
  readonly #now: (() => number) | undefined
  #due = Number.NEGATIVE_INFINITY

  constructor({ rate, burst, now }: RateOptions) {
    this.#interval = 1000 / rate
    this.#burst = burst
    this.#now = now
  }

  /** Takes the next turn; gives the milliseconds until it is due, 0 for at once. */
  reserve(): number {
    if (this.#interval === 0) return 0
    this.#due = nextDue(this.#due, this.#time(), this.#interval, this.#burst)
    return this.wait()
  }

  /** The milliseconds until every turn that was taken is due. */
  wait(): number {
    return Math.max(this.#due - this.#time(), 0)
  }

  #time(): number {
    return this.#now?.() ?? performance.now()
  }
}

/** Turns away what comes too fast, for each key by itself. */
export interface RateLimiter {
  /** How many keys are remembered. */
  readonly size: number
  /** The milliseconds until the key may come again, 0 for now. */
  wait(key: string): number
  /** Lets the key in if it may; gives what `wait` does. */
  consume(key: string, count?: number): number
}

export function createRateLimiter({ rate, burst, now = () => performance.now() }: RateOptions): RateLimiter {
  const interval = 1000 / rate
  const dues = new Map<string, number>()
  let sweepSize = MIN_SWEEP_SIZE
  if (interval === 0) return { size: 0, wait: () => 0, consume: () => 0 }

  function dueOf(key: string, time: number, count = 1): number {
    return nextDue(dues.get(key), time, interval, burst, Math.min(count, burst))
  }

  /** A key that has rested for long enough is as good as one that never came. */
  function forgetIdle(time: number): void {
    for (const [key, due] of dues) if (due <= time - interval * burst) dues.delete(key)
    sweepSize = Math.max(MIN_SWEEP_SIZE, dues.size * 2)
  }

  return {
    get size() {
      return dues.size
    },
    wait(key) {
      const time = now()
      return Math.max(dueOf(key, time) - time, 0)
    },
    consume(key, count) {
      const time = now()
      const due = dueOf(key, time, count)
      if (due > time) return due - time
      if (dues.size >= sweepSize) forgetIdle(time)
      dues.set(key, due)
      return 0
    },
  }
}

function nextDue(due = Number.NEGATIVE_INFINITY, time: number, interval: number, burst: number, count = 1): number {
  // Not due first and count then: a whole burst after a rest is due now, and no rounding later.
  return Math.max(due + interval * count, time + interval * (count - burst))
}
