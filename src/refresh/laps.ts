import { leaveNote, readNote } from './tab-note.js'

const KEY = 'signalpost laps'
/** A page that is left sooner than this, in milliseconds, may be going round in a circle. */
const LAP = 30_000
const MAX_LAPS = 3

/**
 * How many pages of this tab in a row, this one not counted, refreshed themselves by loading another, soon after they had
 * come and with nobody having touched them. Pages that send while they load, and by that reload each other, would do it for
 * ever, as fast as the server lets them: whoever comes round waits longer each time.
 */
export function countLaps(): number {
  const [laps, at] = readNote(KEY)
  const hasJustBegun = Number(at) > Date.now() - performance.now() - LAP
  return hasJustBegun && performance.now() < LAP ? Math.min(Number(laps) || 0, MAX_LAPS) : 0
}

/** Notes that this page is about to load another. */
export function noteLap(): void {
  leaveNote(KEY, [navigator.userActivation?.hasBeenActive ? 1 : countLaps() + 1, Date.now()])
}
