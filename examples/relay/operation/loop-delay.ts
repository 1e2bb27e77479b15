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
  /** The delay since this was last read. */
  read(): Delay
}

export function createLoopWatch(): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  // What is measured is how long a pause of this length took.
  const delayOf = (nanoseconds: number): number => Math.max(nanoseconds / 1e6 - RESOLUTION, 0)
  return {
    start: () => void histogram.enable(),
    stop: () => void histogram.disable(),
    read() {
      if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 }
      const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map(delayOf)
      histogram.reset()
      return { p50: p50 ?? 0, p99: p99 ?? 0, max: max ?? 0 }
    },
  }
}

const RESOLUTION = 10
