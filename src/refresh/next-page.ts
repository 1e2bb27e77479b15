import { leaveNote, readNote } from './tab-note.js'

const KEY = 'signalpost refresh'

/** A page that has been there for longer than this, in milliseconds, has nothing to do with the last one any more. */
const FRESH = 60_000
/** A page that is left sooner than this, in milliseconds, may be going round in a circle. */
const LAP = 30_000
const MAX_LAPS = 3

/** What this page leaves to the tab's next one: when each signal was last heard, in epoch milliseconds, and its laps. */
const note: Record<string, number> = {}

/** Leaves the note whenever the page goes. */
export function watchLeaving(signal: AbortSignal): void {
  addEventListener('pagehide', () => leaveNote(KEY, note), { signal })
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

/** Notes that this page is about to load another. */
export function noteLap(): void {
  const isLap = performance.now() < LAP && !navigator.userActivation?.hasBeenActive
  note.laps = 1 + (isLap ? countLaps() : 0)
}

/**
 * How many pages of this tab in a row, this one not counted, refreshed themselves by loading another, soon after they had
 * come and with nobody having touched them. Pages that send while they load, and by that reload each other, would do it for
 * ever, as fast as the server lets them: whoever comes round waits longer each time.
 */
export function countLaps(): number {
  return Math.min(Number(readNote(KEY).laps ?? 0), MAX_LAPS)
}
