/** How long a line in doubt has to answer, in milliseconds. */
const PROBE_TIMEOUT = 2000
/** A timer that fires later than this was held back (a hidden tab, a sleeping machine): it proves nothing. */
const LATE = 2000
/** How long a relay may take to answer a signal before the line is in doubt. */
const ANSWER_TIMEOUT = 2500
/** How much later than announced a beat may come. */
const BEAT_MARGIN = 2500

export interface LivenessOptions {
  /** The other side is never silent for longer than this, in milliseconds. */
  readonly beat: number
  readonly ping: () => void
  readonly onDead: () => void
}

export interface Liveness {
  /** Something came: the line brings. Only an answer to what was sent says that it also takes. */
  heard(isAnswer: boolean): void
  /** Something was sent that is to be answered. */
  sent(): void
  /** Asks the other side, and holds the line for dead when nothing comes at all; only after `quiet` ms of silence. */
  probe(quiet?: number): void
  stop(): void
}

/** Is the other side still there? A line that died in silence looks open for minutes. */
export function watchLiveness({ beat, ping, onDead }: LivenessOptions): Liveness {
  let heardAt = performance.now()
  let unansweredSince = Infinity
  let timer = setTimeout(check, beat + BEAT_MARGIN)
  let isProbing = false

  function rearm(wait: number): void {
    clearTimeout(timer)
    timer = setTimeout(isProbing ? judge : check, wait, performance.now() + wait)
  }

  function check(): void {
    const due = Math.min(heardAt + beat + BEAT_MARGIN, unansweredSince + ANSWER_TIMEOUT)
    const wait = due - performance.now()
    if (wait > 0) rearm(wait)
    else probe()
  }

  function probe(quiet = 0): void {
    if (isProbing || performance.now() - heardAt < quiet) return
    isProbing = true
    ping()
    rearm(PROBE_TIMEOUT)
  }

  function judge(due: number): void {
    isProbing = false
    // What has come meanwhile may still wait behind this very timer.
    if (performance.now() - due > LATE) probe()
    else onDead()
  }

  return {
    heard(isAnswer) {
      heardAt = performance.now()
      if (isAnswer) unansweredSince = Infinity
      if (!isProbing || unansweredSince < Infinity) return
      isProbing = false
      check()
    },
    sent() {
      if (unansweredSince < Infinity) return
      unansweredSince = performance.now()
      if (!isProbing) rearm(ANSWER_TIMEOUT)
    },
    probe,
    stop: () => clearTimeout(timer),
  }
}
