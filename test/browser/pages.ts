import type { JsonValue } from 'signalpost'
import type { SitePage, Way } from './site.js'
import { type Tab, waitFor } from './tab-browser.js'

/** Waits for the page of a tab that has this number. */
export async function waitForVisit(tab: Tab, visit: number): Promise<void> {
  await waitFor(tab, `window.page?.visit === ${visit} && document.readyState === 'complete'`)
}

export async function waitForState(tab: Tab, state: string): Promise<void> {
  await waitFor(tab, `page.client.status.state === '${state}'`)
}

export async function openOnline<Opened extends Tab>(opening: Promise<Opened>): Promise<Opened> {
  const tab = await opening
  await waitForState(tab, 'online')
  return tab
}

/** Sends, leaves, and waits for the next page. */
export async function sendAndLeave(tab: Tab, visit: number, data: JsonValue, way: Way): Promise<void> {
  await tab.evaluate(`page.sendAndLeave(${JSON.stringify(data)}, '${way}')`)
  await waitForVisit(tab, visit + 1)
}

/** Waits until the pages of the tab have handled this one, and gives everything that they handled. */
export async function heardUpTo(tab: Tab, last: JsonValue): Promise<JsonValue[]> {
  await waitFor(tab, `page.heard().includes(${JSON.stringify(last)})`)
  return tab.evaluate('page.heard()')
}

export function states(tab: Tab): Promise<SitePage['states']> {
  return tab.evaluate('page.states')
}

export function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index)
}
