import { isPosition, parse } from '../protocol/codec.js'
import type { Position } from '../protocol/frames.js'
import { framePath } from '../page/frame-path.js'
import { createId } from '../protocol/id.js'
import { stringify } from '../protocol/stringify.js'
import { VERSION, FRESH } from './limits.js'
import type { OutgoingSignal } from './outgoing-signal.js'

/** The state that one page of a tab leaves to the next. */
export interface Remembered {
  /** By room; and by type of receivers, up to which signal they have handled those of their name. */
  readonly positions: Map<string, Position>
  /** The last user that a relay named to the page; the positions belong to that user. Empty for none. */
  readonly user: string | undefined
  /** The public name of the page at the relay. Only a page that is left gives it: a copied tab is no successor. */
  readonly tab?: string | undefined
  /** The unaccepted signals of the page. */
  readonly signals: readonly OutgoingSignal[]
}

export interface TabMemory {
  /**
   * Removes and returns the state of other pages of this frame, so that a copy of the tab does not get it, too. Returns
   * undefined where the browser denies storage.
   *
   * @param isSuccessor If false, the page has begun already, and only adopts the state of a page that was left late.
   */
  take(isSuccessor: boolean): Remembered | undefined
  /** Replaces the state of this page. Only a page that is left has signals and a name to leave. */
  keep(note: Omit<Remembered, 'signals'> & Partial<Remembered>): void
  /** Removes the state of this page. */
  forget(): void
}

const NOTHING: Remembered = { positions: new Map(), user: undefined, signals: [] }

/**
 * The memory of a tab for one relay, in sessionStorage. Each client of each page has an item of its own, so that a late
 * `pagehide` overwrites nothing of the next page. An item holds no identity: a duplicated tab gets a copy, and can only send
 * the same signals under the same ids. Without storage, or when it is full, the memory is empty.
 */
export function openTabMemory(url: string): TabMemory {
  const frame = `signalpost ${VERSION} ${framePath()} ${url} `
  // The clocks of two pages may differ: time origins are compared for equality and order only.
  const page = `${frame}${performance.timeOrigin} `
  const own = page + createId()

  return {
    take(isSuccessor) {
      try {
        if (isSuccessor) {
          // Some browsers allow reading storage but not writing.
          sessionStorage.setItem(frame, '')
          sessionStorage.getItem(frame)
          sessionStorage.removeItem(frame)
        }
        const names = Array.from({ length: sessionStorage.length }, (_, index) => sessionStorage.key(index) ?? '')
        const others = names.filter((name) => name.startsWith(frame) && !name.startsWith(page))
        const signals: OutgoingSignal[] = []
        let last = NOTHING
        // In the order of the navigations, because the positions of the last page count. Browsers of 2022 lack toSorted().
        // oxlint-disable-next-line unicorn/no-array-sort
        for (const name of others.sort()) {
          const note = takeNote(name, isSuccessor)
          signals.push(...note.signals)
          if (note.user === undefined && note.positions.size === 0) continue
          // A page that has returned from the back/forward cache is older than the signals of later pages.
          last = name < page ? note : { ...note, tab: undefined }
        }
        return { ...last, positions: new Map(last.positions), signals }
      } catch {
        return undefined
      }
    },

    keep(note) {
      try {
        const stored: Stored = { signals: [], ...note, at: Date.now(), positions: [...note.positions] }
        sessionStorage.setItem(own, stringify(stored))
      } catch {
        // Full or denied: the next page begins with its navigation.
      }
    },

    forget() {
      try {
        sessionStorage.removeItem(own)
      } catch {
        // Denied: there is no item.
      }
    },
  }
}

function takeNote(name: string, isSuccessor: boolean): Remembered {
  try {
    const { at, positions, signals, user, tab } = parse(sessionStorage.getItem(name) ?? '') as unknown as Stored
    if (!isSuccessor && !tab && signals.length === 0) return NOTHING
    sessionStorage.removeItem(name)
    const age = Math.max(0, Date.now() - at)
    const isFresh = age < FRESH
    return {
      positions: new Map(isFresh ? positions.filter(([, position]) => isPosition(position)) : []),
      user: isFresh ? user : undefined,
      tab,
      signals: signals.map((signal) => Object.assign(signal, { ttl: Math.max(0, signal.ttl - age) })),
    }
  } catch {
    return NOTHING
  }
}

interface Stored extends Omit<Remembered, 'positions'> {
  /** When it was written (epoch ms). */
  readonly at: number
  readonly positions: readonly (readonly [room: string, Position])[]
}
