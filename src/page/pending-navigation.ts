import { noteLap } from './page-state.js'

/** How long a page may take to come before another one is asked for, in milliseconds. */
const TIME_LIMIT = 30_000

/**
 * Lasts for as long as the page that was asked for may be on its way: whoever asks again meanwhile makes the server begin anew,
 * and with signals that keep coming no page would ever arrive. It ends when this page comes back from the browser's cache.
 */
export function leaving(own: 'reload' | 'navigate', signal: AbortSignal): Promise<void> {
  noteLap(own)
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, TIME_LIMIT)
    signal.addEventListener('abort', () => clearTimeout(timer))
    addEventListener('pageshow', ({ persisted }) => persisted && resolve(), { signal })
  })
}
