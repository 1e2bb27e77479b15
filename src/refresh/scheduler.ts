import type { Signal, Stop } from '../signals.js'

/** What one run reacts to. */
export interface Batch {
  /** In order; `undefined` when anything may have changed. */
  signals: Signal[] | undefined
  /** How many signals and gaps it stands for. */
  coalesced: number
  /** When the first and the last of them came, on the clock of `performance.now()`. */
  readonly since: number
  changedAt: number
  /** Whether it has waited long enough. */
  isDue: boolean
}

/**
 * `dirty`: something changed; `held`: it is time to refresh, but nobody sees the page or the user is busy with it;
 * `running`, then `done` or `failed`.
 */
export type RefreshPhase = 'dirty' | 'held' | 'running' | 'done' | 'failed'

/** What a run waits for: that somebody sees the page, or that the user has finished. */
export type Hold = 'hidden' | 'guard'

/** All times in milliseconds. */
export interface SchedulerOptions {
  readonly wait: number
  readonly maxWait: number
  readonly minInterval: number
  /** When the first run may begin, on the clock of `performance.now()`. */
  readonly notBefore: number
  /** Added to every wait. */
  readonly delay: number
  readonly hold: () => Hold | undefined
  /** Calls back whenever `hold` may have another answer. */
  readonly watch: (recheck: () => void) => Stop
  /** Never rejects; resolves to whether it went well. */
  readonly run: (batch: Batch, signal: AbortSignal) => Promise<boolean>
  readonly onPhase: (phase: RefreshPhase, coalesced: number, hold?: Hold) => void
}

export interface Scheduler {
  /** Something changed: what the signal says, or without one, anything. */
  mark(signal?: Signal): void
  /** Runs at once, whatever holds it back, or right after the run that is under way. */
  runNow(): void
  stop(): void
}

const MAX_SIGNALS = 100

/**
 * Decides when to run: after a burst, never twice at a time, and always once more after the last mark. A batch gathers
 * marks, becomes due, waits until nothing holds it and no other run is under way, and is run.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { wait, maxWait, minInterval, notBefore, delay, hold, watch, run, onPhase } = options
  let batch: Batch | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | undefined
  let lastStart = notBefore - minInterval
  let heldBy: Hold | undefined
  let stopWatching: Stop | undefined
  let isStopped = false

  function gather(signal?: Signal): Batch {
    const now = performance.now()
    const isFirst = !batch
    batch ??= { signals: [], coalesced: 0, since: now, changedAt: now, isDue: false }
    batch.coalesced += 1
    batch.changedAt = now
    if (signal && batch.coalesced <= MAX_SIGNALS) batch.signals?.push(signal)
    else batch.signals = undefined
    if (isFirst) onPhase('dirty', 1)
    return batch
  }

  function runIfDue(isForced = false): void {
    if (isStopped || running || !batch?.isDue) return
    const before = heldBy
    heldBy = isForced ? undefined : hold()
    if (!heldBy) {
      unwatch()
      return void start(batch)
    }
    stopWatching ??= watch(() => runIfDue())
    if (heldBy !== before) onPhase('held', batch.coalesced, heldBy)
  }

  async function start(taken: Batch): Promise<void> {
    const controller = new AbortController()
    batch = undefined
    running = controller
    lastStart = performance.now()
    onPhase('running', taken.coalesced)
    // A listener may have stopped it.
    const isDone = !isStopped && (await run(taken, controller.signal))
    if (isStopped) return
    running = undefined
    onPhase(isDone ? 'done' : 'failed', taken.coalesced)
    runIfDue()
  }

  function makeDue(isForced?: boolean): void {
    clearTimeout(timer)
    if (batch) batch.isDue = true
    runIfDue(isForced)
  }

  function unwatch(): void {
    stopWatching?.()
    stopWatching = undefined
  }

  return {
    mark(signal) {
      const { since, changedAt, isDue } = gather(signal)
      if (isDue || isStopped) return
      clearTimeout(timer)
      const dueAt = Math.max(Math.min(changedAt + wait, since + maxWait), lastStart + minInterval)
      timer = setTimeout(makeDue, dueAt + delay - changedAt)
    },

    runNow() {
      if (!batch) gather()
      makeDue(true)
    },

    stop() {
      isStopped = true
      clearTimeout(timer)
      unwatch()
      running?.abort()
    },
  }
}
