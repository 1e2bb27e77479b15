import { recordRefresh } from './next-page-state.js'

/** How long the next page may take to load before a refresh requests it again (ms). */
const TIME_LIMIT = 30_000

/**
 * Resolves when the next page did not load in time, or when the browser restores this page from its back/forward cache.
 * Until then no other refresh may run: each new request makes the server start again, and the page would never load.
 */
export function waitForNextPage(own: 'reload' | 'navigate', signal: AbortSignal): Promise<void> {
  recordRefresh(own)
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, TIME_LIMIT)
    signal.addEventListener('abort', () => clearTimeout(timer))
    addEventListener('pageshow', ({ persisted }) => persisted && resolve(), { signal })
  })
}
