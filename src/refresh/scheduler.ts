import type { Signal } from '../signals.js'

/** The signals and gaps that one run covers. */
export interface Batch {
  /** In order; `undefined` if anything may have changed. */
  signals: Signal[] | undefined
  /** The number of signals and gaps. */
  coalesced: number
  /** When the first and the last of them arrived, and when the run is due, as `performance.now()`. */
  readonly since: number
  changedAt: number
  dueAt: number
}

/**
 * `dirty`: something changed; `held`: the refresh is due, but the page is hidden or the user is busy;
 * `running`, then `done` or `failed`.
 */
export type RefreshPhase = 'dirty' | 'held' | 'running' | 'done' | 'failed'

/** Why a run waits: the page is hidden, the user is leaving it, a guard holds the run back, or the run would discard an edit. */
export type Hold = 'hidden' | 'leaving' | 'guard' | 'loss'

/** All times in milliseconds. */
export interface SchedulerOptions {
  readonly wait: number
  readonly maxWait: number
  readonly minInterval: number
  /** When the first run may begin, as `performance.now()`. */
  readonly notBefore: number
  /** Added to every wait. */
  readonly delay: number
  readonly hold: () => Hold | undefined
  /** Never rejects; resolves to true on success. */
  readonly run: (batch: Batch) => Promise<boolean>
  readonly onPhase: (phase: RefreshPhase, coalesced: number, hold?: Hold) => void
  /** Ends the scheduler on abort. */
  readonly signal: AbortSignal
}

export interface Scheduler {
  /** Records a change; without a signal, anything may have changed. */
  add(signal?: Signal): void
  /** Checks again whether the run still has to wait. */
  recheck(): void
  /**
   * Runs at once, regardless of holds, or after the current run. `at`: the time of the request as `performance.now()`, the
   * same for all schedulers that run together.
   */
  runNow(at: number): void
  /** Whether a run is pending, or was when the scheduler ended. */
  isDirty(): boolean
}

const MAX_SIGNALS = 100

/** How often a held run checks its guard (ms): no event reports that the user has finished editing. */
const RECHECK = 250
/** The same for a hidden page, which calls `recheck` when it is seen again: some browsers do not report that (ms). */
const RECHECK_HIDDEN = 60_000

/**
 * Decides when to run: after a burst, never twice at a time, and always once more after the last change. A batch
 * collects changes, becomes due, waits for holds and for the current run to end, and is run.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { wait, maxWait, minInterval, delay, hold, run, onPhase, signal } = options
  let { notBefore } = options
  let batch: Batch | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isRunning = false
  let heldBy: Hold | undefined

  function addToBatch(received?: Signal, now = performance.now()): Batch {
    const isFirst = !batch
    batch ??= { signals: [], coalesced: 0, since: now, changedAt: now, dueAt: now }
    batch.coalesced += 1
    batch.changedAt = now
    if (received && batch.coalesced <= MAX_SIGNALS) batch.signals?.push(received)
    else batch.signals = undefined
    if (isFirst) onPhase('dirty', 1)
    return batch
  }

  function check(isForced = false): void {
    // A listener may have stopped the refresh.
    if (!batch || isRunning || signal.aborted) return
    clearTimeout(timer)
    const early = batch.dueAt - performance.now()
    if (early > 0 && !isForced) return void (timer = setTimeout(check, early))
    const before = heldBy
    heldBy = isForced ? undefined : hold()
    if (!heldBy) return void start(batch)
    timer = setTimeout(check, heldBy === 'hidden' ? RECHECK_HIDDEN : RECHECK)
    if (heldBy !== before) onPhase('held', batch.coalesced, heldBy)
  }

  async function start(taken: Batch): Promise<void> {
    batch = undefined
    isRunning = true
    notBefore = performance.now() + minInterval
    onPhase('running', taken.coalesced)
    const isDone = !signal.aborted && (await run(taken))
    if (signal.aborted) return
    isRunning = false
    onPhase(isDone ? 'done' : 'failed', taken.coalesced)
    check()
  }

  signal.addEventListener('abort', () => clearTimeout(timer))

  return {
    add(received) {
      if (signal.aborted) return
      const isDue = batch && batch.dueAt <= performance.now()
      const changed = addToBatch(received)
      if (isDue) return
      changed.dueAt = Math.max(Math.min(changed.changedAt + wait, changed.since + maxWait), notBefore) + delay
      check()
    },

    recheck: () => check(),

    runNow(at) {
      if (!batch) addToBatch(undefined, at)
      check(true)
    },

    isDirty: () => Boolean(batch),
  }
}
