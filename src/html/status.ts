import type { SignalClient, Stop } from '../signals.js'
import { Attribute } from './attributes.js'

/** How long a lost connection stays untold, in milliseconds. */
const GRACE = 1500

export interface StatusDisplay {
  /** Elements may have come. */
  readonly update: () => void
  readonly stop: Stop
}

/**
 * Shows the state of the connection, one word, on the page's `<html data-signal-state>` and in every element with
 * `data-signal-status`: as the value of the attribute, and as its text unless it has elements of its own inside.
 */
export function showStatus(client: SignalClient, root: ParentNode): StatusDisplay {
  let { state } = client.status

  function update(): void {
    document.documentElement.dataset.signalState = state
    for (const element of root.querySelectorAll(`[${Attribute.Status}]`)) {
      if (element.getAttribute(Attribute.Status) !== state) element.setAttribute(Attribute.Status, state)
      if (element.childElementCount === 0 && element.textContent !== state) element.textContent = state
    }
  }

  const stop = client.onStatus(
    (status) => {
      ;({ state } = status)
      update()
    },
    { grace: GRACE },
  )
  return { update, stop }
}
