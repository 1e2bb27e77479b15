import type { Signal } from '../signals.js'

/** What one run reacts to. */
export interface Batch {
  /** In order; `undefined` when anything may have changed. */
  signals: Signal[] | undefined
  /** How many signals and gaps it stands for. */
  coalesced: number
  /** When the first and the last of them came, and when it has waited long enough, on the clock of `performance.now()`. */
  readonly since: number
  changedAt: number
  dueAt: number
}

/**
 * `dirty`: something changed; `held`: it is time to refresh, but nobody sees the page or the user is busy with it;
 * `running`, then `done` or `failed`.
 */
export type RefreshPhase = 'dirty' | 'held' | 'running' | 'done' | 'failed'

/** What a run waits for: that somebody sees the page, that the page has gone, or that the user has finished. */
export type Hold = 'hidden' | 'leaving' | 'guard'

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
  /** Never rejects; resolves to whether it went well. */
  readonly run: (batch: Batch) => Promise<boolean>
  readonly onPhase: (phase: RefreshPhase, coalesced: number, hold?: Hold) => void
  /** Ends it when it aborts. */
  readonly signal: AbortSignal
}

export interface Scheduler {
  /** Something changed: what the signal says, or without one, anything. */
  mark(signal?: Signal): void
  /** Looks again whether anything holds it back. */
  recheck(): void
  /**
   * Runs at once, whatever holds it back, or after the run that is under way. `at`: the moment since which it is wanted, on the
   * clock of `performance.now()`, the same for all that run together.
   */
  runNow(at: number): void
  /** Whether there is a run to come, or was when it ended. */
  isDirty(): boolean
}

const MAX_SIGNALS = 100

/** How often it looks whether it is still held back, in milliseconds: nothing tells that somebody has finished editing. */
const RECHECK = 250

/**
 * Decides when to run: after a burst, never twice at a time, and always once more after the last mark. A batch gathers
 * marks, becomes due, waits until nothing holds it and no other run is under way, and is run.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { wait, maxWait, minInterval, delay, hold, run, onPhase, signal } = options
  let { notBefore } = options
  let batch: Batch | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isRunning = false
  let heldBy: Hold | undefined

  function gather(received?: Signal, now = performance.now()): Batch {
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
    // A listener may have stopped it.
    if (!batch || isRunning || signal.aborted) return
    clearTimeout(timer)
    const early = batch.dueAt - performance.now()
    if (early > 0 && !isForced) return void (timer = setTimeout(check, early))
    const before = heldBy
    heldBy = isForced ? undefined : hold()
    if (!heldBy) return void start(batch)
    timer = setTimeout(check, RECHECK)
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
    mark(received) {
      if (signal.aborted) return
      const isDue = batch && batch.dueAt <= performance.now()
      const marked = gather(received)
      if (isDue) return
      marked.dueAt = Math.max(Math.min(marked.changedAt + wait, marked.since + maxWait), notBefore) + delay
      check()
    },

    recheck: () => check(),

    runNow(at) {
      if (!batch) gather(undefined, at)
      check(true)
    },

    isDirty: () => Boolean(batch),
  }
}
