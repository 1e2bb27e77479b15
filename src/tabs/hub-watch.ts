import { isHidden } from '../connection/lifecycle.js'

/** How often a page that is seen asks whether the hub is there (ms). */
const PROBE_INTERVAL = 1000
/** How long the hub may be silent (ms). */
const PATIENCE = 3000

export interface HubWatch {
  /** A message of the hub arrived. */
  onMessage(): void
  /** Watches from now on, as long as the page is seen. */
  start(): void
  stop(): void
}

export interface HubWatchOptions {
  readonly probe: () => void
  /** The hub does not answer. */
  readonly onSilent: () => void
}

/** Watches the hub from a page that is seen. The timers of a hidden page are late, so it does not watch. */
export function watchHub({ probe, onSilent }: HubWatchOptions): HubWatch {
  let timer: ReturnType<typeof setTimeout> | undefined
  let heardAt = 0

  function schedule(): void {
    clearTimeout(timer)
    if (!isHidden()) timer = setTimeout(check, PROBE_INTERVAL, performance.now())
  }

  function check(startedAt: number): void {
    const now = performance.now()
    // A late timer proves nothing: this page itself was held up.
    if (now - startedAt > 2 * PROBE_INTERVAL) heardAt = now
    if (now - heardAt > PATIENCE) {
      heardAt = now
      onSilent()
      // The hub answers all tabs: one question serves them.
    } else if (now - heardAt > PROBE_INTERVAL / 2) probe()
    schedule()
  }

  function restart(): void {
    heardAt = performance.now()
    schedule()
  }

  return {
    onMessage() {
      heardAt = performance.now()
    },
    start() {
      globalThis.document?.addEventListener('visibilitychange', restart)
      restart()
    },
    stop() {
      globalThis.document?.removeEventListener('visibilitychange', restart)
      clearTimeout(timer)
    },
  }
}
