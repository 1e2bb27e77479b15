import { unshared, type ShareChanges } from './shared-changes.js'

const MIN_SWEEP_SIZE = 1024

export interface RateOptions {
  /** Long-term rate (per second). */
  readonly rate: number
  /** Maximum burst after an idle time. */
  readonly burst: number
  /** Monotonic clock (ms). @default performance.now */
  readonly now?: () => number
}

/** Rate limiter (GCRA) that delays instead of rejecting. Its only state is the time of the last reservation. */
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

  /** Reserves the next slot and returns the delay until then (ms). */
  reserve(): number {
    if (this.#interval === 0) return 0
    this.#due = nextDue(this.#due, this.#time(), this.#interval, this.#burst)
    return this.wait()
  }

  /** Reserves the next slot if that is due now, and returns whether it did. */
  tryReserve(): boolean {
    if (this.#interval === 0) return true
    const time = this.#time()
    const due = nextDue(this.#due, time, this.#interval, this.#burst)
    if (due > time) return false
    this.#due = due
    return true
  }

  /** Returns the delay until all reservations are due (ms). */
  wait(): number {
    return Math.max(this.#due - this.#time(), 0)
  }

  #time(): number {
    return this.#now?.() ?? performance.now()
  }
}

/** Rate limiter (GCRA) per key that rejects what exceeds the rate. */
export interface RateLimiter {
  /** The number of keys in memory. */
  readonly size: number
  /** Returns the time until the key is allowed again (ms), 0 for now. */
  wait(key: string): number
  /** Consumes `count` units when the key is allowed, and returns the same as `wait`. */
  consume(key: string, count?: number): number
}

/**
 * @param options A function, if the rate may change.
 * @param share Limits the rate of several processes together.
 */
export function createRateLimiter(
  options: RateOptions | (() => RateOptions),
  share: ShareChanges = unshared,
): RateLimiter {
  const read = typeof options === 'function' ? options : () => options
  const { now = () => performance.now() } = read()
  const dues = new Map<string, number>()
  const announce = share(spend)
  let sweepSize = MIN_SWEEP_SIZE

  function dueOf(key: string, time: number, count = 1): number {
    const { rate, burst } = read()
    if (rate === Number.POSITIVE_INFINITY) return time
    return nextDue(dues.get(key), time, 1000 / rate, burst, Math.min(count, burst))
  }

  /** Drops keys that have been idle so long that their full burst is available again. */
  function forgetIdle(time: number): void {
    const { rate, burst } = read()
    for (const [key, due] of dues) if (due <= time - (1000 / rate) * burst) dues.delete(key)
    sweepSize = Math.max(MIN_SWEEP_SIZE, dues.size * 2)
  }

  /** Consumes units that are allowed, here or in another process. */
  function spend(key: string, count: number): void {
    if (read().rate === Number.POSITIVE_INFINITY) return
    const time = now()
    if (dues.size >= sweepSize) forgetIdle(time)
    dues.set(key, dueOf(key, time, count))
  }

  return {
    get size() {
      return dues.size
    },
    wait(key) {
      const time = now()
      return Math.max(dueOf(key, time) - time, 0)
    },
    consume(key, count = 1) {
      const time = now()
      const due = dueOf(key, time, count)
      if (due > time) return due - time
      spend(key, count)
      announce(key, count)
      return 0
    },
  }
}

function nextDue(due = Number.NEGATIVE_INFINITY, time: number, interval: number, burst: number, count = 1): number {
  // Adding `due` first would round a full burst after an idle time to a moment later than now.
  return Math.max(due + interval * count, time + interval * (count - burst))
}
