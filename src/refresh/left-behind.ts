import type { Stop } from '../signals.js'
import { shareStart } from './share-start.js'
import { leaveNote, readNote } from './tab-note.js'

/**
 * A page may be told of a change while the tab's next page is already on its way, rendered before the change. The next page
 * is not told again, for the tab has handled it; so it is left a note.
 */
const KEY = 'signalpost refresh'
const FRESH = 60_000

/** When each signal was last heard, by room and name, in epoch milliseconds. */
const heard = new Map<string, number>()

export function noteHeard(room: string, name: string): void {
  heard.set(`${room} ${name}`, Date.now())
}

/** Leaves the note whenever the page goes. */
export const watchLeaving: () => Stop = shareStart(() => {
  const leave = (): void => leaveNote(KEY, [...heard])
  addEventListener('pagehide', leave)
  return () => removeEventListener('pagehide', leave)
})

/** Whether the tab's last page heard the signal, `'*'` for any, after the navigation to this page had begun. */
export function wasHeardMeanwhile(room: string, name: string): boolean {
  const age = performance.now()
  return readNote(KEY).some((entry) => {
    const [key, at] = Array.isArray(entry) ? (entry as unknown[]) : []
    const isMeant = key === `${room} ${name}` || (name === '*' && String(key).startsWith(`${room} `))
    return isMeant && age < FRESH && Number(at) > Date.now() - age
  })
}
