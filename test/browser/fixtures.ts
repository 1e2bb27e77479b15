import { afterAll, afterEach, beforeAll, onTestFinished } from 'vitest'
import { type BreakableConnection, openBreakableConnection } from './breakable-connection.js'
import { connectToRelay, type RelayClient } from './relay-client.js'
import { type RelayProcess, startRelay } from './relay-process.js'
import { openSite, type Site, type SiteOptions } from './site.js'
import type { TabBrowser } from './tab-browser.js'

export interface SiteWithRelay {
  readonly relay: RelayProcess
  readonly site: Site
}

export interface SiteWithConnection extends SiteWithRelay {
  /** What the site's pages, and nobody else, have between them and the relay. */
  readonly connection: BreakableConnection
}

/** A relay, and a site whose pages use it, for one test. */
export async function openSiteWithRelay(options?: SiteOptions, ...relayFlags: string[]): Promise<SiteWithRelay> {
  const relay = await startRelay(...relayFlags)
  onTestFinished(relay.kill)
  return { relay, site: await setSite(relay.url, options) }
}

export async function openSiteWithConnection(
  options?: SiteOptions,
  ...relayFlags: string[]
): Promise<SiteWithConnection> {
  const relay = await startRelay(...relayFlags)
  onTestFinished(relay.kill)
  const connection = await openBreakableConnection(relay.url)
  onTestFinished(connection.close)
  return { relay, connection, site: await setSite(connection.url, options) }
}

async function setSite(relayUrl: string, options?: SiteOptions): Promise<Site> {
  const site = await openSite(relayUrl, options)
  onTestFinished(site.close)
  return site
}

/** Somebody else at the relay, for one test. */
export async function join(relay: RelayProcess): Promise<RelayClient> {
  const other = await connectToRelay(relay.url)
  onTestFinished(other.close)
  return other
}

/** How many connections a relay has, and on how many sockets. */
export async function countSockets({ url }: RelayProcess): Promise<{ connections: number; sockets: number }> {
  const response = await fetch(new URL('/health', url.replace('ws', 'http')))
  const { connections, sockets } = (await response.json()) as { connections: number; sockets: number }
  return { connections, sockets }
}

/** One browser for the file; its tabs are closed after each test. */
export function useBrowser<Browser extends TabBrowser>(launch: () => Promise<Browser>): () => Browser {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await launch()
  })
  // Before the relay goes: a page left open would dial it for the rest of the file.
  afterEach(() => browser?.closeTabs())
  afterAll(() => browser?.close())
  return () => {
    if (!browser) throw new Error('The browser is there only inside of a test.')
    return browser
  }
}
