import { isPosition, parse } from '../protocol/codec.js'
import type { Position } from '../protocol/frames.js'
import type { Parcel } from './parcel.js'

/** What one page of a tab leaves to the next. */
export interface Remembered {
  readonly positions: Map<string, Position>
  readonly parcels: readonly Parcel[]
  /** The last user that a relay named to a page of the tab: the positions are that user's. Empty for none. */
  readonly user: string | undefined
}

export interface TabMemory {
  /**
   * What the last page left; it is forgotten with this call, so that a copy of the tab does not have it too. `undefined`
   * where the browser denies storage.
   */
  take(): Remembered | undefined
  /** Adds to what is there: another client of this page may have written before. */
  keep(remembered: Remembered): void
}

/** Another form of what is stored gets another number. */
const VERSION = 2
/** A page that comes later than this begins with its own navigation, in milliseconds. */
const FRESH = 60_000

/**
 * The memory of a tab for one relay, in sessionStorage. It holds no identity: a duplicated tab gets a copy, and may do no
 * more with it than send the same signals under the same ids. Without storage, or when it is full, nothing is remembered.
 */
export function openTabMemory(url: string): TabMemory {
  const key = `signalpost ${VERSION} ${url}`

  function take(): Remembered | undefined {
    let text: string | null
    try {
      text = sessionStorage.getItem(key)
      // Some give and do not take.
      sessionStorage.setItem(key, '')
      sessionStorage.removeItem(key)
    } catch {
      return undefined
    }
    try {
      const { at, positions, parcels, user } = parse(text ?? '') as unknown as Stored
      const age = Math.max(0, Date.now() - at)
      return {
        positions: new Map(age < FRESH ? positions.filter(([, position]) => isPosition(position)) : []),
        user: age < FRESH ? user : undefined,
        parcels: parcels.map((parcel) => Object.assign(parcel, { ttl: parcel.ttl - age })).filter(({ ttl }) => ttl > 0),
      }
    } catch {
      return { positions: new Map(), parcels: [], user: undefined }
    }
  }

  return {
    take,
    keep({ positions, parcels, user }) {
      const before = take()
      const isSameUser = !before?.user || before.user === user
      const all = [...(before?.parcels ?? []), ...parcels]
      const stored: Stored = {
        at: Date.now(),
        user,
        positions: [...((isSameUser && before?.positions) || []), ...positions],
        parcels: [...new Map(all.map((parcel) => [parcel.id, parcel])).values()],
      }
      try {
        sessionStorage.setItem(key, JSON.stringify(stored))
      } catch {
        // Full or denied: the next page begins with its navigation.
      }
    },
  }
}

interface Stored extends Pick<Remembered, 'parcels' | 'user'> {
  /** When it was written, in epoch milliseconds. */
  readonly at: number
  readonly positions: readonly (readonly [room: string, Position])[]
}
