import { Counter, Gauge, Registry } from 'prom-client'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import type { Siblings } from '../siblings.js'
import { sumCounts, type Counters, type Counts } from './counters.js'
import { readProcessFigures, type ProcessFigures } from './process-figures.js'
import { sumStates, type RelayState } from './relay-state.js'
import { createLoopDelayMonitor, type LoopDelay } from './loop-delay.js'

/** The topics on which the primary process answers for itself and for workers that ended: see `Siblings`. */
export const COUNTS = 'counts'
export const FIGURES = 'figures'

/** The figures of one process. */
export interface Figures {
  /** The label of the process in metrics. A single relay has none. */
  readonly worker?: string | undefined
  readonly process: ProcessFigures
  /** A process that serves no client has no state and no delay. */
  readonly state?: RelayState
  readonly delay?: LoopDelay
}

export interface Metrics {
  start(): void
  stop(): void
  /** Returns all metrics in the format of Prometheus. */
  read(): Promise<Exposition>
  /** Returns the counts of all workers, those that ended included. */
  counts(): Promise<Counts>
}

export interface MetricsOptions {
  readonly counters: Pick<Counters, 'counts'>
  readonly relayState: () => RelayState
  readonly siblings: Siblings
}

/** The text format of Prometheus, with its content type. */
interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** The figures of all processes, and the sums of the others. */
interface Reading {
  readonly processes: readonly Figures[]
  readonly state: RelayState
  readonly counts: Counts
}

type Labels = Readonly<Record<string, string | number>>
type Samples = Iterable<readonly [labels: Labels, value: number]>
type ReadSamples = (reading: Reading) => Samples

/** Adds a metric. */
type Add = (name: string, help: string, read: ReadSamples, label?: string) => void

/** Exposes the state of the relay, or of all its workers, to Prometheus. The values are read on each scrape. */
export function createMetrics({ counters, relayState, siblings }: MetricsOptions): Metrics {
  const registry = new Registry()
  const loop = createLoopDelayMonitor()
  const askForCounts = siblings.share<void, Counts>(COUNTS, () => counters.counts)
  const askForFigures = siblings.share<void, Figures>(FIGURES, () => ({
    worker: siblings.worker,
    process: readProcessFigures(),
    state: relayState(),
    delay: loop.read(),
  }))
  let reading: Reading = { processes: [], state: sumStates([]), counts: sumCounts([]) }

  async function readCounts(): Promise<Counts> {
    return sumCounts(await askForCounts())
  }

  const gauge: Add = (name, help, read, label) => {
    const metric = new Gauge({
      ...describeMetric(name, help, label),
      collect() {
        this.reset()
        for (const [labels, value] of read(reading)) this.set(labels, value)
      },
    })
    registry.registerMetric(metric)
  }

  const counter: Add = (name, help, read, label) => {
    const metric = new Counter({
      ...describeMetric(name, help, label),
      collect() {
        this.reset()
        for (const [labels, value] of read(reading)) this.inc(labels, value)
      },
    })
    registry.registerMetric(metric)
  }

  addStates(gauge)
  addCounts(counter)
  addDelays(gauge)
  addProcesses(gauge, counter)

  return {
    start: loop.start,
    stop: loop.stop,
    async read() {
      const [processes, counts] = await Promise.all([askForFigures(), readCounts()])
      reading = { processes, state: sumStates(processes.flatMap(({ state = [] }) => state)), counts }
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
    counts: readCounts,
  }
}

/** Returns the configuration of a metric that is not in the default registry. */
function describeMetric(name: string, help: string, label: string | undefined) {
  return { name, help, labelNames: label === undefined ? [] : [label], registers: [] }
}

function addStates(gauge: Add): void {
  gauge('signalpost_connections', 'Current connections.', ({ state }) => single(state.connections))
  gauge('signalpost_sockets', 'Current sockets. Tabs of a browser may share one.', ({ state }) => single(state.sockets))
  gauge('signalpost_rooms', 'Current rooms, counted in each worker.', ({ state }) => single(state.rooms))
  gauge('signalpost_log_ready', '1 while signals can be logged, 0 while the log is away.', ({ state }) =>
    single(Number(state.log === 'ready')),
  )
  gauge('signalpost_draining', '1 while the relay shuts down.', ({ state }) => single(Number(state.isDraining)))
}

function addCounts(counter: Add): void {
  counter(
    'signalpost_signals_in_total',
    'Logged signals, by type of sender.',
    ({ counts }) => labelled('from', Object.entries(counts.signalsIn)),
    'from',
  )
  counter('signalpost_duplicates_total', 'Repeated signals that were not logged again.', ({ counts }) =>
    single(counts.duplicates),
  )
  counter(
    'signalpost_append_failures_total',
    'Attempts to log a signal that failed, by reason. The relay tries again.',
    ({ counts }) => labelled('reason', counts.appendFailures),
    'reason',
  )
  counter('signalpost_signals_out_total', 'Signals that were sent to connections.', ({ counts }) =>
    single(counts.signalsOut),
  )
  counter('signalpost_replays_total', 'Joins that were answered with earlier signals.', ({ counts }) =>
    single(counts.replays),
  )
  counter(
    'signalpost_gaps_total',
    'Gaps that were reported to clients, by reason.',
    ({ counts }) => labelled('reason', Object.entries(counts.gaps)),
    'reason',
  )
  counter(
    'signalpost_slow_consumers_total',
    'Connections that were closed because too much data was unsent.',
    ({ counts }) => single(counts.closes.get(CloseCode.TooSlow) ?? 0),
  )
  counter(
    'signalpost_closes_total',
    'Connections that the relay closed, by code.',
    ({ counts }) => labelled('code', counts.closes),
    'code',
  )
  counter(
    'signalpost_refusals_total',
    'Refusals, by reason.',
    ({ counts }) => labelled('reason', counts.refusals),
    'reason',
  )
}

function addDelays(gauge: Add): void {
  const seconds =
    (read: (delay: LoopDelay) => number): ReadSamples =>
    (reading) =>
      byWorker(reading, ({ delay }) => delay && read(delay) / 1000)
  gauge(
    'signalpost_event_loop_delay_p50_seconds',
    'Median delay, in the worse half of the last minute.',
    seconds(({ p50 }) => p50),
    'worker',
  )
  gauge(
    'signalpost_event_loop_delay_p99_seconds',
    '99th percentile, in the worse half of the last minute.',
    seconds(({ p99 }) => p99),
    'worker',
  )
  gauge(
    'signalpost_event_loop_delay_max_seconds',
    'Longest delay of the last half minute to minute.',
    seconds(({ max }) => max),
    'worker',
  )
}

/** Adds the metrics of each process, under their usual names. */
function addProcesses(gauge: Add, counter: Add): void {
  const figure =
    (name: keyof ProcessFigures): ReadSamples =>
    (reading) =>
      byWorker(reading, ({ process }) => process[name])
  gauge('process_open_fds', 'Open file descriptors.', figure('openDescriptors'), 'worker')
  gauge('process_max_fds', 'Maximum number of open file descriptors.', figure('maxDescriptors'), 'worker')
  gauge('process_resident_memory_bytes', 'Resident memory.', figure('memory'), 'worker')
  gauge('process_start_time_seconds', 'When the process started, in epoch seconds.', figure('startedAt'), 'worker')
  counter('process_cpu_seconds_total', 'CPU time of the process.', figure('cpu'), 'worker')
}

function single(value: number): Samples {
  return [[{}, value]]
}

function labelled(label: string, counts: Iterable<readonly [string | number, number]>): Samples {
  return [...counts].map(([value, count]) => [{ [label]: value }, count] as const)
}

/** Returns a figure of each process that has it, with the label of the process if there are several. */
function byWorker({ processes }: Reading, read: (figures: Figures) => number | undefined): Samples {
  return processes.flatMap((figures) => {
    const value = read(figures)
    return value === undefined ? [] : [[figures.worker === undefined ? {} : { worker: figures.worker }, value] as const]
  })
}
