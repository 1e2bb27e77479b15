import { expect, onTestFinished } from 'vitest'
import type * as Signalpost from 'signalpost'
import { PATIENCE } from './chromium.js'
import type { Chromium, ChromiumTab } from './chromium-devtools.js'
import { waitForState } from './pages.js'
import type { RelayProcess } from './relay-process.js'
import { readUmd, serve, type StaticServer } from './static-server.js'
import { waitFor } from './tab-browser.js'

/** The ways from the other site back to the first. A redirect of the other site shows no page of it. */
export const RETURNS = ['back', 'link', 'assign', 'redirect'] as const
type Return = (typeof RETURNS)[number]

/**
 * `slow`: the caller decides when the tab returns. `fast`: the other site returns as it loads. `late`: it does, too, while the
 * page that was left is still busy with `pagehide`.
 */
export const SPEEDS = ['slow', 'fast', 'late'] as const
type Speed = (typeof SPEEDS)[number]

/** What one document handled, in order, and how many gaps it reported. */
export interface DocumentRecord {
  readonly handled: readonly number[]
  readonly gaps: number
}

/** `page` in the page of the first site. */
interface CountingPage {
  readonly client: Signalpost.SignalClient
  isLeft: boolean
  isLateToHide: boolean
  /** How often the browser took the document from its back/forward cache since the last visit. */
  restored: number
  handledSinceShown: number
}

export interface TwoSites {
  readonly tab: ChromiumTab
  /** Leaves for the other site, and waits for the return; in a slow visit only after `meanwhile`. */
  visit(way: Return, speed: Speed, meanwhile: () => Promise<void>): Promise<void>
  /** What each document recorded, in the order of the documents. */
  records(): Promise<DocumentRecord[]>
}

/** A tab on a site whose pages count signals, beside another site without any. */
export async function openTwoSites(browser: Chromium, relay: RelayProcess): Promise<TwoSites> {
  let visits = 0
  let putAside = 0
  const server = await serveBoth(relay.url, () => {
    putAside += 1
  })
  onTestFinished(server.close)
  const tab = await browser.open(server.page)
  await waitForState(tab, 'online')
  // A page that is older than its relay reports a gap.
  await tab.evaluate('localStorage.clear()')

  return {
    tab,

    async visit(way, speed, meanwhile) {
      visits += 1
      const before = putAside
      const path = way === 'redirect' ? `redirect?${visits}` : `elsewhere?${visits}#${speed}-${way}`
      await tab.evaluate(`page.leave(${speed === 'late'}, 'http://127.0.0.1:${server.port}/${path}')`)
      if (speed === 'slow' && way !== 'redirect') {
        await waitFor(tab, `document.title === 'Elsewhere' && document.readyState === 'complete'`)
        await expect.poll(() => putAside, { timeout: PATIENCE }).toBeGreaterThan(before)
        await meanwhile()
        await tab.evaluate(`setTimeout(goBack, 0, '${way}') && 1`)
      }
      await waitFor(tab, 'window.page && !page.isLeft')
    },

    records: async () => toRecords(await tab.evaluate('Object.entries(localStorage)')),
  }
}

async function serveBoth(relayUrl: string, onPutAside: () => void): Promise<StaticServer> {
  const page = `<!doctype html>
<title>Counting</title>
<meta name="signalpost-url" content="${relayUrl}">
<script src="/signalpost.min.js"></script>
<script src="/app.js"></script>`
  const other = `<!doctype html>
<title>Elsewhere</title>
<a>Return</a>
<script>(${runOtherPage})()</script>`
  const app = `(${runPage})()`
  const files = { '/': page, '/app.js': app, '/signalpost.min.js': await readUmd(), '/elsewhere': other }
  return serve(files, {}, ({ url = '', headers }, response) => {
    const [path = '', query = ''] = url.split('?')
    if (path === '/aside') onPutAside()
    else if (path !== '/redirect') return false
    // Both sites have one server, with two names.
    const home = `http://${(headers.host ?? '').replace('127.0.0.1', 'localhost')}/?${query}`
    response.writeHead(path === '/aside' ? 204 : 302, { Location: home }).end()
    return true
  })
}

function toRecords(entries: readonly (readonly [key: string, value: string])[]): DocumentRecord[] {
  const parsed = entries.map(([key, value]) => {
    const [kind, begun, order] = key.split(' ')
    return { kind, begun: Number(begun), order: Number(order), value: Number(value) }
  })
  const documents = new Set(parsed.map(({ begun }) => begun))
  return [...documents]
    .toSorted((one, other) => one - other)
    .map((document) => {
      const own = parsed.filter(({ begun }) => begun === document).toSorted((one, other) => one.order - other.order)
      return {
        handled: own.filter(({ kind }) => kind === 'handled').map(({ value }) => value),
        gaps: own.filter(({ kind }) => kind === 'gap').length,
      }
    })
}

/** Runs in the page. */
function runPage(): void {
  let order = 0
  // A key for each entry: documents of several processes write at the same time.
  const record = (kind: string, value: unknown): void => {
    order += 1
    localStorage.setItem(`${kind} ${performance.timeOrigin} ${order}`, String(value))
  }
  // Before the client's own listener.
  addEventListener('pagehide', () => {
    const end = performance.now() + (page.isLateToHide ? 200 : 0)
    while (performance.now() < end);
  })
  const client = window.Signalpost.createSignalClient()
  addEventListener('pagehide', () => navigator.sendBeacon('/aside'))
  addEventListener('pageshow', ({ persisted }) => {
    Object.assign(page, { isLeft: false, handledSinceShown: 0 })
    if (persisted) page.restored += 1
  })
  // Without the back/forward cache, the back button shows HTML from the HTTP cache.
  client.onGap(({ reason }) => reason !== 'cache' && record('gap', reason))
  client.receiveSignal('Count', (data) => {
    record('handled', data)
    page.handledSinceShown += 1
  })
  const page: CountingPage & { leave(isLate: boolean, address: string): void } = {
    client,
    isLeft: false,
    isLateToHide: false,
    restored: 0,
    handledSinceShown: 0,
    leave(isLate, address) {
      Object.assign(page, { isLeft: true, isLateToHide: isLate, restored: 0 })
      setTimeout(() => location.assign(address))
    },
  }
  Object.assign(window, { page })
}

/** Runs in the page of the other site. */
function runOtherPage(): void {
  const [speed, way = ''] = location.hash.slice(1).split('-')
  const home = `http://localhost:${location.port}/${location.search}`
  const link = document.querySelector('a')
  if (link) link.href = home
  const goBack = (name: string): void => {
    if (name === 'back') history.back()
    else if (name === 'link') link?.click()
    else location.assign(home)
  }
  Object.assign(window, { goBack })
  if (speed !== 'slow') addEventListener('load', () => setTimeout(goBack, 0, way))
}
