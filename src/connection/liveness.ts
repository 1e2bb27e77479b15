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
  let probedAt: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function look(): void {
    clearTimeout(timer)
    const doubtAt = Math.min(heardAt + beat + BEAT_MARGIN, unansweredSince + ANSWER_TIMEOUT)
    const due = probedAt === undefined ? doubtAt : probedAt + PROBE_TIMEOUT
    const late = performance.now() - due
    if (late < 0) timer = setTimeout(look, -late)
    // What has come meanwhile may still wait behind this very timer.
    else if (probedAt === undefined || late > LATE) ask()
    else onDead()
  }

  function ask(): void {
    probedAt = performance.now()
    ping()
    look()
  }

  look()
  return {
    heard(isAnswer) {
      heardAt = performance.now()
      if (isAnswer) unansweredSince = Infinity
      if (probedAt === undefined || unansweredSince < Infinity) return
      probedAt = undefined
      look()
    },
    sent() {
      if (unansweredSince < Infinity) return
      unansweredSince = performance.now()
      look()
    },
    probe(quiet = 0) {
      if (probedAt === undefined && performance.now() - heardAt >= quiet) ask()
    },
    stop: () => clearTimeout(timer),
  }
}
