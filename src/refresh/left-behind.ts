import type { Stop } from '../signals.js'
import { shareStart } from './share-start.js'

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
  const leave = (): void => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...heard]))
    } catch {
      // Full or denied: the next page does without.
    }
  }
  addEventListener('pagehide', leave)
  return () => removeEventListener('pagehide', leave)
})

/** Whether the tab's last page heard the signal after the navigation to this page had begun. */
export function wasHeardMeanwhile(room: string, name: string): boolean {
  const age = performance.now()
  if (age > FRESH) return false
  try {
    const notes = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as [string, number][]
    return notes.some(
      ([key, at]) =>
        (key === `${room} ${name}` || (name === '*' && key.startsWith(`${room} `))) && at > Date.now() - age,
    )
  } catch {
    return false
  }
}
