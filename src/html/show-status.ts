import { call, read } from '../page/dom.js'
import type { SignalClient, Stop } from '../signals.js'
import { Attribute, isIgnored } from './attributes.js'

/** How long a connection must be lost before the page shows it (ms). */
const GRACE = 1500

export interface StatusDisplay {
  /** Call it when elements were added. */
  readonly update: () => void
  readonly stop: Stop
}

/**
 * Shows the state of the connection, one word, on `<html data-signal-state>` and in every element with
 * `data-signal-status`: as the value of the attribute, and as the text of an element without child elements.
 */
export function showStatus(client: SignalClient, root: ParentNode): StatusDisplay {
  let { state } = client.status

  function update(): void {
    const page = read(document, 'documentElement') as HTMLElement | null
    if (page) page.dataset.signalState = state
    for (const element of call(root, 'querySelectorAll', `[${Attribute.Status}]`)) {
      if (isIgnored(element)) continue
      if (call(element, 'getAttribute', Attribute.Status) !== state)
        call(element, 'setAttribute', Attribute.Status, state)
      if (read(element, 'childElementCount') === 0 && element.textContent !== state) element.textContent = state
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
