import { expect, it, onTestFinished } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { join, useBrowser } from './fixtures.js'
import { openReady, openReport, type ReportSite, waitForIncome, waitForMarker } from './refresh-site.js'
import { startRelay } from './relay-process.js'
import { readUmd, serve } from './static-server.js'
import { waitFor } from './tab-browser.js'

/** Each page counts its own requests. On a busy machine, a signal reaches the pages at different times: within the wait. */
const refreshing = (options = ''): string => `
  window.requested = 0
  const request = fetch
  window.fetch = (...args) => {
    requested += 1
    return request(...args)
  }
  refreshOn('ReportIncome', replaceElement('#report', { fetch: sharedFetch() }), {
    minInterval: 0, wait: 1000, onError${options}
  })`

describeInChromium('tabs that share the fetches of their refreshes', () => {
  const browser = useBrowser(launchChromium)

  async function openTabs(site: ReportSite, number: number): Promise<ChromiumTab[]> {
    const tabs: ChromiumTab[] = []
    for (let count = 0; count < number; count += 1) tabs.push(await openReady(browser().open(site.page)))
    // The pages themselves do not count.
    site.requests.length = 0
    return tabs
  }

  /** Waits for the request of a tab, which is held, and returns the tab and the others. */
  async function findRequesting(site: ReportSite, tabs: readonly ChromiumTab[]) {
    await expect.poll(() => site.held, { timeout: PATIENCE }).toBe(1)
    const counts = await Promise.all(tabs.map((tab) => tab.evaluate<number>('requested')))
    const requesting = tabs[counts.indexOf(1)]
    if (!requesting) throw new Error('No tab has requested the page.')
    return { requesting, others: tabs.filter((tab) => tab !== requesting) }
  }

  it('make one request for one signal', async () => {
    const site = await openReport({ script: refreshing() })
    const tabs = await openTabs(site, 5)
    for (const income of [1, 2]) {
      await site.earn(income)
      for (const tab of tabs) await waitForIncome(tab, income)
      expect(site.requests).toHaveLength(income)
    }
    for (const tab of tabs) expect(await tab.evaluate('report.errors')).toEqual([])
  })

  it('make one more when the requesting tab is closed', async () => {
    const site = await openReport({ script: refreshing() })
    const tabs = await openTabs(site, 5)
    site.isHolding = true
    await site.earn(1)
    const { requesting, others } = await findRequesting(site, tabs)
    await requesting.close()
    await expect.poll(() => site.held, { timeout: PATIENCE }).toBe(2)
    site.release()
    for (const tab of others) await waitForIncome(tab, 1)
    expect(site.requests).toHaveLength(2)
  })

  it('go on when the requesting tab hangs', async () => {
    const site = await openReport({ script: refreshing() })
    const tabs = await openTabs(site, 3)
    site.isHolding = true
    await site.earn(1)
    const { requesting, others } = await findRequesting(site, tabs)
    const hanging = requesting.evaluate(`(() => { const end = Date.now() + 6000; while (Date.now() < end); })()`)
    await expect.poll(() => site.held, { timeout: PATIENCE }).toBeGreaterThan(1)
    site.release()
    for (const tab of others) await waitForIncome(tab, 1)
    await hanging
    await waitForIncome(requesting, 1)
  })

  it('all show what changed during the request', async () => {
    const site = await openReport({ script: refreshing() })
    const tabs = await openTabs(site, 5)
    site.isHolding = true
    await site.earn(1)
    await findRequesting(site, tabs)
    await site.earn(2)
    await waitForMarker(site, ...tabs)
    site.release()
    for (const tab of tabs) await waitForIncome(tab, 2)
    for (const tab of tabs) expect(await tab.evaluate('report.errors')).toEqual([])
  })

  it('show the response that another tab has fetched when they are seen', async () => {
    const site = await openReport({ script: refreshing() })
    const first = await openReady(browser().open(site.page))
    const second = await openReady(browser().open(site.page, 'same window'))
    await waitFor(first, 'document.hidden')
    site.requests.length = 0
    await site.earn(1)
    await waitForIncome(second, 1)
    await waitFor(first, `report.phases.join() === 'dirty,held'`)
    await first.show()
    await waitForIncome(first, 1)
    expect(site.requests).toHaveLength(1)
  })

  it('do not wait for a tab that is frozen', async () => {
    const site = await openReport({ script: refreshing(`, whenHidden: 'run'`) })
    const hidden = await openReady(browser().open(site.page))
    await openReady(
      browser()
        .open('about:blank', 'same window')
        .then(() => hidden),
    )
    await waitFor(hidden, 'document.hidden')
    await site.earn(1)
    await waitForIncome(hidden, 1)
    const seen = await openReady(browser().open(site.page))
    await hidden.setLifecycle('frozen')
    site.requests.length = 0
    await site.earn(2)
    await waitForIncome(seen, 2)
    await hidden.setLifecycle('active')
    await waitForIncome(hidden, 2)
    for (const tab of [hidden, seen]) expect(await tab.evaluate('report.errors')).toEqual([])
  })

  it('may use the back/forward cache', async () => {
    const site = await openReport({ script: refreshing() })
    const [tab, other] = (await openTabs(site, 2)) as [ChromiumTab, ChromiumTab]
    await site.earn(1)
    await waitForIncome(tab, 1)
    await waitForIncome(other, 1)
    await tab.evaluate('window.isKept = true')
    await tab.goto('data:text/html,elsewhere')
    await waitFor(tab, `location.protocol === 'data:'`)
    await site.earn(2)
    await waitForIncome(other, 2)
    await tab.back()
    await waitFor(tab, 'window.isKept')
    await waitForIncome(tab, 2)
    expect(await tab.evaluate('report.load')).toBe(1)
  })

  it.each([
    ['together', 'data-shared-fetch', true],
    ['together, with an address of the file', 'data-shared-fetch="/files/tabs.js"', true],
    ['one by one without the file', 'data-shared-fetch="/missing.js"', false],
  ])('refresh the elements with attributes %s', async (_what, attribute, isShared) => {
    const relay = await startRelay()
    onTestFinished(relay.kill)
    let requests = 0
    let income = 0
    const files = {
      '/signalpost.min.js': await readUmd(),
      '/signalpost-tabs.min.js': await readUmd('signalpost-tabs'),
      '/files/tabs.js': await readUmd('signalpost-tabs'),
    }
    const server = await serve(files, {}, (request, response) => {
      if (request.url !== '/') return false
      requests += 1
      response.setHeader('Content-Type', 'text/html')
      response.end(`<!doctype html><title>Report</title>
<script src="/signalpost.min.js" data-url="${relay.url}" ${attribute}></script>
<b id="total" data-signal-refresh="ReportIncome">${income}</b>`)
      return true
    })
    onTestFinished(server.close)
    const tabs: ChromiumTab[] = []
    for (let count = 0; count < 3; count += 1) {
      const tab = await browser().open(server.page)
      await waitFor(tab, `document.documentElement.dataset.signalState === 'online'`)
      tabs.push(tab)
    }
    requests = 0
    income = 1
    const other = await join(relay)
    await other.send('ReportIncome', income)
    for (const tab of tabs) await waitForIncome(tab, income)
    expect(requests < tabs.length).toBe(isShared)
  })
})
