import { isPosition, parse } from '../protocol/codec.js'
import type { Position } from '../protocol/frames.js'
import { createId } from '../protocol/id.js'
import { VERSION, FRESH } from './limits.js'
import type { Parcel } from './parcel.js'

/** What one page of a tab leaves to the next. */
export interface Remembered {
  readonly positions: Map<string, Position>
  /** The last user that a relay named to the page: the positions are that user's. Empty for none. */
  readonly user: string | undefined
  /** The signals that were not accepted when the page was left. */
  readonly parcels: readonly Parcel[]
}

export interface TabMemory {
  /**
   * Removes and returns what other pages of this frame left, so that a copy of the tab does not have it too. `undefined`
   * where the browser denies storage.
   *
   * @param isSuccessor Otherwise the page has begun already, and only takes signals that an earlier page left late.
   */
  take(isSuccessor: boolean): Remembered | undefined
  /** Replaces the note of this page. Only a page that is left has parcels to leave. */
  keep(note: Omit<Remembered, 'parcels'> & Partial<Remembered>): void
  /** Removes the note of this page. */
  forget(): void
}

/**
 * The memory of a tab for one relay, in sessionStorage. Each client of each page has a note of its own: a page whose
 * `pagehide` comes after its successor began replaces nothing that the successor wrote. A note holds no identity: a
 * duplicated tab gets a copy, and may do no more with it than send the same signals under the same ids. Without storage, or
 * when it is full, nothing is remembered.
 */
export function openTabMemory(url: string): TabMemory {
  // All frames of one origin share the storage of a tab.
  const frame = `signalpost ${VERSION} ${[].indexOf.call(globalThis.parent ?? [], globalThis as never)} ${url} `
  // Clocks of two pages may differ: the origins are compared for equality and order only.
  const page = `${frame}${performance.timeOrigin} `
  const own = page + createId()

  return {
    take(isSuccessor) {
      try {
        // Some browsers allow a part of this only.
        sessionStorage.setItem(frame, '')
        sessionStorage.getItem(frame)
        sessionStorage.removeItem(frame)
        const names = Array.from({ length: sessionStorage.length }, (_, index) => sessionStorage.key(index) ?? '')
        const others = names.filter((name) => name.startsWith(frame) && !name.startsWith(page))
        const parcels: Parcel[] = []
        let last = NOTHING
        // In the order of the navigations: the positions of the last page count. Browsers of 2022 have no toSorted().
        // oxlint-disable-next-line unicorn/no-array-sort
        for (const name of others.sort()) {
          const note = takeNote(name, isSuccessor)
          parcels.push(...note.parcels)
          if (note.user !== undefined || note.positions.size > 0) last = note
        }
        return { positions: new Map(last.positions), user: last.user, parcels }
      } catch {
        return undefined
      }
    },

    keep({ positions, user, parcels = [] }) {
      try {
        const stored: Stored = { at: Date.now(), user, positions: [...positions], parcels }
        sessionStorage.setItem(own, JSON.stringify(stored))
      } catch {
        // Full or denied: the next page begins with its navigation.
      }
    },

    forget() {
      try {
        sessionStorage.removeItem(own)
      } catch {
        // Denied: there is no note.
      }
    },
  }
}

const NOTHING: Remembered = { positions: new Map(), user: undefined, parcels: [] }

function takeNote(name: string, isSuccessor: boolean): Remembered {
  try {
    const { at, positions, parcels, user } = parse(sessionStorage.getItem(name) ?? '') as unknown as Stored
    if (!isSuccessor && parcels.length === 0) return NOTHING
    sessionStorage.removeItem(name)
    const age = Math.max(0, Date.now() - at)
    const isFresh = age < FRESH
    return {
      positions: new Map(isFresh ? positions.filter(([, position]) => isPosition(position)) : []),
      user: isFresh ? user : undefined,
      parcels: parcels.map((parcel) => Object.assign(parcel, { ttl: parcel.ttl - age })).filter(({ ttl }) => ttl > 0),
    }
  } catch {
    return NOTHING
  }
}

interface Stored extends Pick<Remembered, 'parcels' | 'user'> {
  /** When it was written (epoch ms). */
  readonly at: number
  readonly positions: readonly (readonly [room: string, Position])[]
}
