import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION = 10
const HALF_MINUTE = 30_000
const NONE: LoopDelay = { p50: 0, p99: 0, max: 0 }

/** Delay of the event loop (ms). */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface LoopDelayMonitor {
  start(): void
  stop(): void
  /** Returns the delay of the last 30 to 60 seconds. Reading does not reset it. */
  read(): LoopDelay
}

export function createLoopDelayMonitor(): LoopDelayMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  // The histogram contains the length of the timer too.
  const delayOf = (nanoseconds: number): number => Math.max(nanoseconds / 1e6 - RESOLUTION, 0)
  let previous: LoopDelay = NONE
  let timer: NodeJS.Timeout | undefined

  function current(): LoopDelay {
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
        previous = current()
        histogram.reset()
      }, HALF_MINUTE)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    },
    read() {
      const { p50, p99, max } = current()
      return { p50: Math.max(p50, previous.p50), p99: Math.max(p99, previous.p99), max: Math.max(max, previous.max) }
    },
  }
}
