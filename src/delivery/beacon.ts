import { stringify } from '../protocol/stringify.js'
import type { OutgoingSignal } from './outgoing-signal.js'

/** Browsers let the requests that outlive a page carry 64 KiB in all. The next page of the tab sends the rest. */
const MAX_BYTES = 60_000

export interface Beacon {
  /** The address of the WebSocket: the relay accepts the request there, too. */
  readonly url: string
  /** The secret of the page, by which the relay recognizes the sender. */
  readonly tab: string
  readonly token: string | undefined
  /** The user of the signals, if the relay has named one: it accepts them under no other name. */
  readonly user: string | undefined
  readonly signals: readonly OutgoingSignal[]
}

/** Sends signals by a request that outlives the page, and returns those that fit. The page is gone before the response arrives. */
export function sendBeacon({ url, tab, token, user, signals }: Beacon): readonly OutgoingSignal[] {
  let left = MAX_BYTES
  // After the first signal that does not fit, `left` is negative, so that no signal overtakes it.
  const fitting = signals.filter(({ bytes }) => (left -= bytes) >= 0)
  if (fitting.length === 0) return fitting
  // A text body needs no preflight, which would not outlive the page.
  const frames = fitting.map(({ text }) => JSON.parse(text) as unknown)
  const body = stringify({ v: 1, tab, token, user: user || undefined, signals: frames })
  const address = url.replace('ws', 'http')
  try {
    fetch(address, { method: 'POST', keepalive: true, body }).catch(() => undefined)
  } catch {
    // Pages replace fetch with functions of their own, which may throw; test environments may lack both.
    navigator.sendBeacon?.(address, body)
  }
  return fitting
}
