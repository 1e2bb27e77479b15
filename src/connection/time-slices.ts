import { runInTask } from '../page/task.js'

/** The time that jobs may take before the page gets its turn (ms). */
const SLICE = 5
/** After a longer pause between two jobs, the page has had its turn (ms). */
const PAUSE = 4

export interface TimeSlices {
  /** Runs a job: at once, or in a later task if jobs have taken too long or earlier jobs wait. */
  run(job: () => void): void
  /** Drops the waiting jobs. */
  clear(): void
}

/** Runs jobs in order, and lets the page respond between them: a replay of thousands of signals would block it. */
export function createTimeSlices(): TimeSlices {
  const waiting: (() => void)[] = []
  let spent = 0
  let endedAt = 0

  function runSlice(): void {
    while (waiting[0] && spent < SLICE) {
      const startedAt = performance.now()
      waiting.shift()!()
      endedAt = performance.now()
      spent += endedAt - startedAt
    }
  }

  function resume(): void {
    spent = 0
    // First, so that an error in a job does not keep the others back.
    schedule()
    runSlice()
  }

  function schedule(): void {
    if (waiting[0]) runInTask(resume)
  }

  return {
    run(job) {
      if (performance.now() - endedAt > PAUSE) spent = 0
      if (waiting.push(job) > 1) return
      runSlice()
      schedule()
    },

    clear() {
      waiting.length = 0
    },
  }
}
