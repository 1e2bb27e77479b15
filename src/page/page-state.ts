import { leaveNote, readNote } from './session-storage.js'

const KEY = 'signalpost refresh'

/** A page that has been there for longer than this, in milliseconds, has nothing to do with the last one any more. */
const FRESH = 60_000
/** A page that is left sooner than this, in milliseconds, may be going round in a circle. */
const LAP = 30_000
export const MAX_LAPS = 3

/**
 * What this page leaves to the tab's next one: when each signal was last heard, in epoch milliseconds; its laps; how it loads
 * that page itself (`own`); and which address, come by in which way, is the answer to a form that was posted.
 */
const note: Record<string, number | string> = {}

let isTouchedNow = false
let isAnswerNow = false

/** Leaves the note whenever the page goes. */
export function watchLeaving(signal: AbortSignal): void {
  const { type, redirectCount } = arrival()
  isTouchedNow = false
  isAnswerNow = readNote(KEY)[`${type} posted`] === address() && !redirectCount
  delete note['reload posted']
  if (isAnswerNow) note['reload posted'] = address()
  for (const event of ['pointerdown', 'keydown']) {
    addEventListener(event, ({ isTrusted }) => (isTouchedNow ||= isTrusted), { capture: true, signal })
  }
  addEventListener('pagehide', () => leaveNote(KEY, note), { signal })
}

/** Whether somebody has touched this very page. What the browser knows of it outlives a reload. */
export function isTouched(): boolean {
  return isTouchedNow
}

/** Whether this page is what a server answered to a form, and did not lead elsewhere: nobody can have it again without posting. */
export function isAnswerToPost(): boolean {
  return isAnswerNow
}

/**
 * A page may be told of a change while the tab's next page is already on its way, rendered before the change. The next page
 * is not told again, for the tab has handled it.
 */
export function noteHeard(room: string, name: string): void {
  note[`${room} ${name}`] = note[`${room} *`] = Date.now()
}

/** Whether the tab's last page heard the signal, `'*'` for any, after the navigation to this page had begun. */
export function wasHeardMeanwhile(room: string, name: string): boolean {
  const age = performance.now()
  return age < FRESH && Number(readNote(KEY)[`${room} ${name}`]) > Date.now() - age
}

/** Notes that this page is about to load another by itself. */
export function noteLap(own: 'reload' | 'navigate'): void {
  note.laps = 1 + (performance.now() < LAP && !isTouchedNow ? countLaps() : 0)
  note.own = own
}

/** Whether this page is about to load another by itself. */
export function isLeavingByItself(): boolean {
  return note.own !== undefined
}

/** Notes that the user is about to load another page, and where a form is posted to. */
export function noteNavigation(posted?: string): void {
  delete note.laps
  delete note.own
  delete note['navigate posted']
  if (posted !== undefined) note['navigate posted'] = address(posted)
}

/** Whether the tab's last page refreshed itself by loading this one. */
export function isFromRefresh(): boolean {
  return readNote(KEY).own === (arrival().type ?? '')
}

/**
 * How many pages of this tab in a row, this one not counted, refreshed themselves by loading another, soon after they had
 * come and with nobody having touched them. Pages that send while they load, and by that reload each other, would do it for
 * ever, as fast as the server lets them: whoever comes round waits longer each time.
 */
export function countLaps(): number {
  return Math.min(Number(readNote(KEY).laps ?? 0), MAX_LAPS)
}

function arrival(): Partial<PerformanceNavigationTiming> {
  return performance.getEntriesByType('navigation')[0] ?? {}
}

/** What of an address says which page it is. */
function address(href = location.href): string {
  const { origin, pathname } = new URL(href)
  return origin + pathname
}
