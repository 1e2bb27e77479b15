import { takeSession, writeSession } from './session-storage.js'

const KEY = 'signalpost scroll'
/** A stored scroll position older than this is ignored (ms). */
const FRESH = 30_000

/** Stores the scroll position for the next page of the tab, if that page has the same path. */
export function keepScroll(): void {
  writeSession(KEY, { path: location.pathname, at: Date.now(), left: scrollX, top: scrollY })
}

/** Restores the scroll position of the last page as soon as this page is loaded. */
export function restoreScroll(): void {
  if (document.readyState === 'loading') return addEventListener('DOMContentLoaded', restoreScroll, { once: true })
  const { path, at, left, top } = takeSession(KEY) ?? {}
  if (path !== location.pathname || Date.now() - Number(at) > FRESH) return
  scrollTo({ left: Number(left), top: Number(top), behavior: 'instant' })
}
