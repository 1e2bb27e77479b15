import type { Counts } from '../metrics/counters.js'

/** Signals in each of the last seconds, oldest first. */
export interface Rates {
  readonly in: readonly number[]
  readonly out: readonly number[]
  start(): void
  stop(): void
}

export function createRates(counts: Counts): Rates {
  const series = {
    in: createSeries(() => counts.signalsIn.page + counts.signalsIn.backend),
    out: createSeries(() => counts.signalsOut),
  }
  let timer: NodeJS.Timeout | undefined
  return {
    in: series.in.values,
    out: series.out.values,
    start() {
      timer = setInterval(() => Object.values(series).forEach(({ sample }) => sample()), 1000)
      timer.unref()
    },
    stop: () => clearInterval(timer),
  }
}

/** Long enough to show a whole burst. */
const SAMPLED_SECONDS = 300

function createSeries(read: () => number) {
  const values: number[] = []
  let last = 0
  return {
    values,
    sample(): void {
      const count = read()
      values.push(count - last)
      if (values.length > SAMPLED_SECONDS) values.shift()
      last = count
    },
  }
}
