import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE } from './chromium.js'

/** The little that a test needs of a tab, so that the same test runs in every engine. */
export interface Tab {
  /** Goes there; what the page loads may still be on its way. */
  goto(url: string): Promise<void>
  /** The value of an expression in the page, a promise's value included. Rejects while the page is being replaced. */
  evaluate<Value>(expression: string): Promise<Value>
}

export interface TabBrowser<Opened extends Tab = Tab> {
  /** Opens a tab that shares its storage with the others; does not wait for the page. */
  open(url: string): Promise<Opened>
  closeTabs(): Promise<void>
  close(): Promise<void>
}

const INTERVAL = 20

/** Waits until the expression is true, over any number of navigations. */
export async function waitFor(tab: Tab, expression: string): Promise<void> {
  const end = Date.now() + PATIENCE
  let last: unknown
  while (Date.now() < end) {
    try {
      last = await tab.evaluate(expression)
      if (last) return
    } catch (error) {
      // Between two pages, or before the page's own script.
      last = error
    }
    await sleep(INTERVAL)
  }
  throw new Error(`Waited in vain for ${expression}: ${String(last)}`)
}
