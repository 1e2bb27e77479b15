import { Counter, Gauge, Registry } from 'prom-client'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import type { Counters } from './counters.js'
import type { RelayState } from './relay-state.js'
import { readDescriptors } from '../limits/descriptors.js'
import { readMemory } from './memory.js'
import { createLoopDelayMonitor, type LoopDelay } from './loop-delay.js'

export interface Metrics {
  start(): void
  stop(): void
  /** Returns all metrics in the format of Prometheus. */
  read(): Promise<Exposition>
}

/** The text format of Prometheus, with its content type. */
interface Exposition {
  readonly contentType: string
  readonly text: string
}

type Labelled = Iterable<readonly [string | number, number]>

/** Exposes the state of the relay to Prometheus. The values are read on each scrape. */
export function createMetrics({ counts }: Pick<Counters, 'counts'>, relayState: () => RelayState): Metrics {
  const registry = new Registry()
  const loop = createLoopDelayMonitor()
  let delay: LoopDelay = loop.read()

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

  function counterByLabel(name: string, help: string, label: string, read: () => Labelled): void {
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

  gauge('signalpost_connections', 'Current connections.', () => relayState().connections)
  gauge('signalpost_sockets', 'Current sockets. Tabs of a browser may share one.', () => relayState().sockets)
  gauge('signalpost_rooms', 'Current rooms.', () => relayState().rooms)
  gauge('signalpost_log_ready', '1 while signals can be logged, 0 while the log is away.', () =>
    Number(relayState().log === 'ready'),
  )
  gauge('signalpost_draining', '1 while the relay shuts down.', () => Number(relayState().isDraining))
  counterByLabel('signalpost_signals_in_total', 'Logged signals, by type of sender.', 'from', () =>
    Object.entries(counts.signalsIn),
  )
  counter('signalpost_duplicates_total', 'Repeated signals that were not logged again.', () => counts.duplicates)
  counterByLabel(
    'signalpost_append_failures_total',
    'Attempts to log a signal that failed, by reason. The relay tries again.',
    'reason',
    () => counts.appendFailures,
  )
  counter('signalpost_signals_out_total', 'Signals that were sent to connections.', () => counts.signalsOut)
  counter('signalpost_replays_total', 'Joins that were answered with earlier signals.', () => counts.replays)
  counterByLabel('signalpost_gaps_total', 'Gaps that were reported to clients, by reason.', 'reason', () =>
    Object.entries(counts.gaps),
  )
  counter(
    'signalpost_slow_consumers_total',
    'Connections that were closed because too much data was unsent.',
    () => counts.closes.get(CloseCode.TooSlow) ?? 0,
  )
  counterByLabel('signalpost_closes_total', 'Connections that the relay closed, by code.', 'code', () => counts.closes)
  counterByLabel('signalpost_refusals_total', 'Refusals, by reason.', 'reason', () => counts.refusals)
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
  addProcess(gauge, counter)

  return {
    start: loop.start,
    stop: loop.stop,
    async read() {
      delay = loop.read()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

type AddMetric = (name: string, help: string, read: () => number) => void

/** Adds the metrics of the process, under their usual names. */
function addProcess(gauge: AddMetric, counter: AddMetric): void {
  // Computed once: Prometheus counts each change of this value as a restart.
  const startedAt = Date.now() / 1000 - process.uptime()
  const maxDescriptors = readDescriptors()?.max
  if (maxDescriptors !== undefined) {
    // Reading them needs one: they cannot be read if all are open.
    gauge('process_open_fds', 'Open file descriptors.', () => readDescriptors()?.open ?? maxDescriptors)
    gauge('process_max_fds', 'Maximum number of open file descriptors.', () => maxDescriptors)
  }
  gauge('process_resident_memory_bytes', 'Resident memory.', readMemory)
  gauge('process_start_time_seconds', 'When the process started, in epoch seconds.', () => startedAt)
  counter('process_cpu_seconds_total', 'CPU time of the process.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
}
