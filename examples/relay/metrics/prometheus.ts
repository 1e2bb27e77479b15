import { Counter, Gauge, Registry } from 'prom-client'
import type { Activity } from './counters.js'
import type { Condition } from './relay-state.js'
import { createLoopWatch, type Delay } from './loop-delay.js'

export interface Metrics {
  start(): void
  stop(): void
  /** All figures in the format of Prometheus. */
  read(): Promise<Exposition>
}

/** The text that Prometheus reads, and its media type. */
interface Exposition {
  readonly contentType: string
  readonly text: string
}

type Labelled = Iterable<readonly [string | number, number]>

/** Tells Prometheus how the relay is; the figures are read when it asks. */
export function createMetrics({ counts }: Pick<Activity, 'counts'>, condition: () => Condition): Metrics {
  const registry = new Registry()
  const loop = createLoopWatch()
  let delay: Delay = loop.read()

  function gauge(name: string, help: string, read: () => number): void {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read())
        },
      }),
    )
  }

  function counter(name: string, help: string, read: () => number): void {
    registry.registerMetric(
      new Counter({
        name,
        help,
        registers: [],
        collect() {
          this.reset()
          this.inc(read())
        },
      }),
    )
  }

  function counters(name: string, help: string, label: string, read: () => Labelled): void {
    registry.registerMetric(
      new Counter({
        name,
        help,
        registers: [],
        labelNames: [label],
        collect() {
          this.reset()
          for (const [value, count] of read()) this.inc({ [label]: value }, count)
        },
      }),
    )
  }

  gauge('signalpost_connections', 'Connections at present.', () => condition().connections)
  gauge('signalpost_rooms', 'Rooms that somebody is in at present.', () => condition().rooms)
  gauge('signalpost_log_ready', '1 while signals can be logged, 0 while the log is away.', () =>
    Number(condition().log === 'ready'),
  )
  gauge('signalpost_draining', '1 while the relay shuts down.', () => Number(condition().isDraining))
  counters('signalpost_signals_in_total', 'Signals that were logged, by who sent them.', 'from', () =>
    Object.entries(counts.signalsIn),
  )
  counter('signalpost_duplicates_total', 'Signals that came again and were not logged again.', () => counts.duplicates)
  counter('signalpost_signals_out_total', 'Signals that were handed to connections.', () => counts.signalsOut)
  counter('signalpost_replays_total', 'Joins that were answered with earlier signals.', () => counts.replays)
  counters('signalpost_gaps_total', 'Gaps that were told, by reason.', 'reason', () => Object.entries(counts.gaps))
  counter(
    'signalpost_slow_consumers_total',
    'Connections that were closed because too much was unsent.',
    () => counts.closes.get(TOO_SLOW) ?? 0,
  )
  counters('signalpost_closes_total', 'Connections that the relay closed, by code.', 'code', () => counts.closes)
  counters('signalpost_refusals_total', 'What was refused, by reason.', 'reason', () => counts.refusals)
  gauge(
    'signalpost_event_loop_delay_p50_seconds',
    'Median delay, in the worse half of the last minute.',
    () => delay.p50 / 1000,
  )
  gauge(
    'signalpost_event_loop_delay_p99_seconds',
    '99th percentile, in the worse half of the last minute.',
    () => delay.p99 / 1000,
  )
  gauge(
    'signalpost_event_loop_delay_max_seconds',
    'Longest delay of the last half minute to minute.',
    () => delay.max / 1000,
  )
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('process_start_time_seconds', 'When the process started, in epoch seconds.', () => STARTED_AT() / 1000)
  counter('process_cpu_seconds_total', 'CPU time of the process.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })

  return {
    start: loop.start,
    stop: loop.stop,
    async read() {
      delay = loop.read()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

const TOO_SLOW = 4508
const STARTED_AT = (): number => Date.now() - process.uptime() * 1000
