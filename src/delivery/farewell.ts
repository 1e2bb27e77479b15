import { byteLength } from '../protocol/byte-length.js'

/** Browsers let requests that outlive their page carry 64 KiB in all; the rest is left to the tab's next page. */
const MAX_BYTES = 60_000

export interface Farewell {
  /** The address of the WebSocket; the relay takes farewells there too. */
  readonly url: string
  /** The page's secret, so that its signals stay its own. */
  readonly tab: string
  readonly token: string | undefined
  /** Encoded frames, in order. */
  readonly texts: readonly string[]
}

/** Sends what is not accepted by a request that outlives the page. Nobody is left to hear the answer. */
export function sendFarewell({ url, tab, token, texts }: Farewell): void {
  const chosen: string[] = []
  let bytes = 0
  for (const text of texts) {
    bytes += byteLength(text)
    if (bytes > MAX_BYTES) break
    chosen.push(text)
  }
  if (chosen.length === 0) return
  const head = JSON.stringify({ v: 1, tab, token }).slice(0, -1)
  // Plain text needs no preflight, which would not outlive the page.
  const headers = { 'content-type': 'text/plain' }
  const body = `${head},"signals":[${chosen.join()}]}`
  // Test environments may have none.
  const request = globalThis.fetch?.(url.replace('ws', 'http'), { method: 'POST', keepalive: true, headers, body })
  request?.catch(() => undefined)
}
