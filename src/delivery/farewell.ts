import type { Parcel } from './parcel.js'

/** Browsers let requests that outlive their page carry 64 KiB in all; the rest is left to the tab's next page. */
const MAX_BYTES = 60_000

export interface Farewell {
  /** The address of the WebSocket; the relay takes farewells there too. */
  readonly url: string
  /** The page's secret, so that its signals stay its own. */
  readonly tab: string
  readonly token: string | undefined
  /** The user whose signals these are, where a relay has named one: the relay takes them under no other name. */
  readonly user: string | undefined
  readonly parcels: readonly Parcel[]
}

/** Sends parcels by a request that outlives the page, and returns those that fit. Nobody is left to hear the answer. */
export function sendFarewell({ url, tab, token, user, parcels }: Farewell): readonly Parcel[] {
  let left = MAX_BYTES
  // Less than nothing is left after the first that does not fit, so that none overtakes it.
  const fitting = parcels.filter(({ bytes }) => (left -= bytes) >= 0)
  if (fitting.length === 0) return fitting
  // As plain text, which a string is, it needs no preflight, which would not outlive the page.
  const signals = fitting.map(({ text }) => JSON.parse(text) as unknown)
  const body = JSON.stringify({ v: 1, tab, token, user: user || undefined, signals })
  // Test environments may have none.
  const request = globalThis.fetch?.(url.replace('ws', 'http'), { method: 'POST', keepalive: true, body })
  request?.catch(() => undefined)
  return fitting
}
