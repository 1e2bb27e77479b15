import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How long things wait for their turn in the event loop, in milliseconds. */
export interface Delay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface LoopWatch {
  start(): void
  stop(): void
  /** The delay of the last half minute to minute, however many ask, and however often. */
  read(): Delay
}

export function createLoopWatch(): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  // What is measured is how long a pause of this length took.
  const delayOf = (nanoseconds: number): number => Math.max(nanoseconds / 1e6 - RESOLUTION, 0)
  let before: Delay = NONE
  let timer: NodeJS.Timeout | undefined

  function now(): Delay {
    if (histogram.count === 0) return NONE
    return {
      p50: delayOf(histogram.percentile(50)),
      p99: delayOf(histogram.percentile(99)),
      max: delayOf(histogram.max),
    }
  }

  return {
    start() {
      histogram.enable()
      timer = setInterval(() => {
        before = now()
        histogram.reset()
      }, HALF_MINUTE)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    },
    read() {
      const { p50, p99, max } = now()
      return { p50: Math.max(p50, before.p50), p99: Math.max(p99, before.p99), max: Math.max(max, before.max) }
    },
  }
}

const RESOLUTION = 10
const HALF_MINUTE = 30_000
const NONE: Delay = { p50: 0, p99: 0, max: 0 }
