import type { Decoded } from '../protocol/codec.js'
import type { RelayFrame } from '../protocol/frames.js'
import { LATE } from './timing.js'

/** How long the relay may take to answer a ping (ms). */
const PROBE_TIMEOUT = 2000
/** How long the relay may take to answer a signal before the client pings it (ms). */
const ANSWER_TIMEOUT = 2500
/** How much later than announced a heartbeat may arrive (ms). */
const BEAT_MARGIN = 2500

export interface LivenessOptions {
  /** The longest silence of the relay (ms). */
  readonly beat: number
  readonly ping: () => void
  readonly onDead: () => void
}

export interface Liveness {
  /** A frame arrived. Only an answer to something we sent proves that the other direction works too. */
  onFrame(type: Decoded<RelayFrame>['type']): void
  /** The client sent a frame that the relay answers. */
  sent(): void
  /** Pings the relay after `quiet` ms of silence, and reports the connection as dead when nothing arrives. */
  probe(quiet?: number): void
  stop(): void
}

/** Checks whether the relay is still there: a connection that died in silence looks open for minutes. */
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
    // Received data may still be queued behind this timer, so a late timer pings again.
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
    onFrame(type) {
      const wasProbed = probedAt !== undefined
      heardAt = performance.now()
      if (type !== 'signal' && type !== 'beat') unansweredSince = Infinity
      if (unansweredSince === Infinity) probedAt = undefined
      // Each heartbeat restarts the timer, so that it never fires on an idle page. A restart costs too much for each signal.
      if (probedAt === undefined && (wasProbed || type !== 'signal')) look()
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
