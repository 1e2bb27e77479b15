import type { Stop } from '../signals.js'

const INTERVAL = 250

/** Whether there is a page, and nobody sees it. */
export function isHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}

/** Calls back whenever the page may be seen again, and every 250 ms: nothing tells that somebody has finished editing. */
export function watchRelease(recheck: () => void): Stop {
  const timer = setInterval(recheck, INTERVAL)
  document.addEventListener('visibilitychange', recheck)
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', recheck)
  }
}
