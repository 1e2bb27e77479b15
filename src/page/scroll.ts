import { leaveNote, readNote } from './session-storage.js'

const KEY = 'signalpost scroll'
const FRESH = 30_000

/** Leaves a note to the next page of the tab, if it has the same path: where this one is scrolled to. */
export function keepScroll(): void {
  leaveNote(KEY, { path: location.pathname, at: Date.now(), left: scrollX, top: scrollY })
}

/** Scrolls to where the last page left off, as soon as this one is there. */
export function restoreScroll(): void {
  if (document.readyState === 'loading') return addEventListener('DOMContentLoaded', restoreScroll, { once: true })
  const { path, at, left, top } = readNote(KEY)
  leaveNote(KEY, {})
  if (path !== location.pathname || Date.now() - Number(at) > FRESH) return
  scrollTo({ left: Number(left), top: Number(top), behavior: 'instant' })
}
