const KEY = 'signalpost scroll'
const FRESH = 30_000

/** Leaves a note to the next page of the tab, if it has the same path: where this one is scrolled to. */
export function keepScroll(): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([location.pathname, Date.now(), scrollX, scrollY]))
  } catch {
    // Full or denied: the next page begins at its top.
  }
}

/** Scrolls to where the last page left off, as soon as this one is there. */
export function restoreScroll(): void {
  if (document.readyState === 'loading') return addEventListener('DOMContentLoaded', restoreScroll, { once: true })
  try {
    const note = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as [path: string, at: number, x: number, y: number]
    const [path, at, left, top] = note
    sessionStorage.removeItem(KEY)
    if (path === location.pathname && Date.now() - at < FRESH) scrollTo({ left, top, behavior: 'instant' })
  } catch {
    // Denied, or another's.
  }
}
