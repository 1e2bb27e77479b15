import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { join, useBrowser } from './fixtures.js'
import { openHtmlSite } from './html-site.js'
import { openReady, openReport, type ReportSite, waitForIncome } from './refresh-site.js'
import { waitFor } from './tab-browser.js'

/** The menu hears signals of another name only; the report refreshes. */
const SCRIPT = `
  if (location.pathname === '/report') refreshOn('ReportIncome', replaceElement('#report'))
  else Signalpost.receiveSignal('Other', () => void fetch('/told?Other'))
`
const CACHEABLE = { 'Cache-Control': 'max-age=600' }
const TAG = '<!doctype html><script src="/signalpost.min.js" data-url="$relay"></script>'

const menuOf = (site: ReportSite): string => site.page.replace('report', 'menu')

/** Follows a link, and waits for the next page. */
async function follow(tab: ChromiumTab, path: string): Promise<void> {
  await tab.evaluate(`void (location.href = '${path}')`)
  await waitForPage(tab, path)
}

async function waitForPage(tab: ChromiumTab, path: string): Promise<void> {
  await waitFor(tab, `location.pathname === '${path}' && document.readyState === 'complete'`)
  await waitFor(tab, `Signalpost.getPageClient().status.state === 'online'`)
}

describeInChromium('a page whose HTML is older than a signal', () => {
  // A page from the back/forward cache keeps its own receivers.
  const browser = useBrowser(() => launchChromium('--disable-features=BackForwardCache'))

  it('refreshes when the last page has received the signal, and had no receiver of that name', async () => {
    const site = await openReport({ script: SCRIPT })
    const tab = await openReady(browser().open(menuOf(site)))
    site.isHolding = true
    await tab.evaluate(`void (location.href = '/report')`)
    await expect.poll(() => site.held, { timeout: PATIENCE }).toBe(1)
    await site.earn(7)
    await site.send('Other')
    await expect.poll(() => site.told, { timeout: PATIENCE }).toEqual(['Other'])
    site.release()
    await waitForIncome(tab, 7)
  })

  it('gets the event of a signal that the last page has received, and had no listener for', async () => {
    const listener = `addEventListener('signal:ReportIncome', () => (document.title = 'heard'))`
    const site = await openHtmlSite({ '/menu': TAG, '/report': `${TAG}<script>document.${listener}</script>` })
    const other = await join(site.relay)
    const tab = await browser().open(`${site.page}menu`)
    await waitForPage(tab, '/menu')
    site.pause = 1000
    await tab.evaluate(`void (location.href = '/report')`)
    await expect.poll(() => site.requests, { timeout: PATIENCE }).toContain('GET /report')
    await other.send('ReportIncome', null)
    await waitFor(tab, `document.title === 'heard'`)
  })

  it('refreshes when the HTML comes from the cache, by a link and by the back button', async () => {
    const site = await openReport({ script: SCRIPT, headers: CACHEABLE })
    const tab = await openReady(browser().open(site.page))
    await follow(tab, '/menu')
    await site.earn(7)
    await follow(tab, '/report')
    await waitForIncome(tab, 7)
    await follow(tab, '/menu')
    await site.earn(8)
    await tab.back()
    await waitForIncome(tab, 8)
    const pages = site.requests.filter((path) => path === '/report')
    expect(pages).toHaveLength(3)
  })

  it('refreshes when a service worker has the page in its cache, by a link and by a reload', async () => {
    const report = `${TAG}<div id="report" data-signal-refresh="ReportIncome">income $count</div>`
    const site = await openHtmlSite({
      '/menu': TAG,
      '/report': report,
      '/worker.js': `
        addEventListener('install', (event) => event.waitUntil(caches.open('pages')
          .then((cache) => cache.add('/report')).then(() => skipWaiting())))
        addEventListener('activate', (event) => event.waitUntil(clients.claim()))
        addEventListener('fetch', (event) => event.request.mode === 'navigate' &&
          event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request))))`,
    })
    const tab = await browser().open(`${site.page}menu`)
    await waitForPage(tab, '/menu')
    await tab.evaluate(
      `navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => 1)`,
    )
    await waitFor(tab, 'Boolean(navigator.serviceWorker.controller)')
    for (const [count, way] of [
      [7, `location.href = '/report'`],
      [8, 'location.reload()'],
    ] as const) {
      site.count = count
      await tab.evaluate(`void (${way})`)
      await waitFor(tab, `document.querySelector('#report')?.textContent === 'income ${count}'`)
    }
    expect(site.requests.filter((request) => request === 'GET /report')).toHaveLength(3)
  })

  it('refreshes when the browser has prefetched the page', async () => {
    const rules = '{"prefetch":[{"urls":["/report"],"eagerness":"immediate"}]}'
    const site = await openReport({ script: SCRIPT, body: `<script type="speculationrules">${rules}</script>` })
    const tab = await openReady(browser().open(menuOf(site)))
    await expect.poll(() => site.requests, { timeout: PATIENCE }).toEqual(['/menu', '/report'])
    await site.earn(7)
    await follow(tab, '/report')
    await waitForIncome(tab, 7)
  })
})

describeInChromium('the pages of one tab', () => {
  const browser = useBrowser(() => launchChromium('--disable-features=BackForwardCache'))

  it('send the signals of a meta element once, also when the user comes back to the page in the cache', async () => {
    const saved = `${TAG}<meta data-signal-send="Saved">`
    const site = await openHtmlSite({ '/saved': saved, '/menu': TAG }, CACHEABLE)
    const other = await join(site.relay)
    const tab = await browser().open(`${site.page}saved`)
    await waitForPage(tab, '/saved')
    await follow(tab, '/menu')
    await tab.back()
    await waitForPage(tab, '/saved')
    // What libraries do, which keep a copy of the page.
    await tab.evaluate(`document.head.append(document.querySelector('meta').cloneNode()), 1`)
    await tab.evaluate(`Signalpost.sendSignal('Marker').then(() => 1)`)
    expect(other.heard.map(({ signal }) => signal)).toEqual(['Saved', 'Marker'])
    expect(site.requests).toEqual(['GET /saved', 'GET /menu'])
  })

  it('do not refresh each other for ever when they contain a frame with the tag', async () => {
    const site = await openHtmlSite({
      '/': `${TAG}<meta data-signal-send="Opened"><body data-signal-refresh="Opened"><iframe src="/frame"></iframe>`,
      '/frame': TAG,
    })
    const other = await join(site.relay)
    const first = await browser().open(site.page)
    await waitForPage(first, '/')
    const second = await browser().open(site.page)
    await waitForPage(second, '/')
    const loads = (): number => site.requests.filter((request) => request === 'GET /').length
    // The second tab opened, so the first one was loaded again.
    await expect.poll(loads, { timeout: PATIENCE }).toBe(3)
    for (const round of [1, 2]) {
      await other.send('Opened', null)
      await expect.poll(loads, { timeout: PATIENCE }).toBe(3 + 2 * round)
      for (const tab of [first, second]) await waitForPage(tab, '/')
    }
    expect(other.heard.map(({ signal }) => signal)).toEqual(['Opened', 'Opened', 'Opened', 'Opened'])
  })

  it('send the signals of a meta element in a popup, though a refresh has loaded the page that opened it', async () => {
    const site = await openHtmlSite({
      // A form that is submitted again, so that both pages are loaded by an ordinary navigation.
      '/': `${TAG}<form data-signal-refresh="Changed"></form><p>$count</p>`,
      '/popup': `${TAG}<meta data-signal-send="Opened">`,
    })
    const other = await join(site.relay)
    const tab = await browser().open(site.page)
    await waitForPage(tab, '/')
    site.count = 1
    await other.send('Changed', null)
    await waitFor(tab, `document.querySelector('p').textContent === '1'`)
    await waitForPage(tab, '/')
    await tab.evaluate(`void open('/popup')`)
    await expect
      .poll(() => other.heard.map(({ signal }) => signal), { timeout: PATIENCE })
      .toEqual(['Changed', 'Opened'])
  })
})
