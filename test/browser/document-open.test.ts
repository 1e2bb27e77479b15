import { expect, it } from 'vitest'
import { PATIENCE } from './chromium.js'
import { describeInEngines } from './engines.js'
import { join } from './fixtures.js'
import { openHtmlSite } from './html-site.js'
import { waitFor } from './tab-browser.js'

const TAG = '<!doctype html><script src="/signalpost.min.js" data-url="$relay"></script>'
const REPORT = '<p id="report" data-signal-refresh="ReportIncome">$count</p>'
const IS_ONLINE = `window.Signalpost?.getPageClient()?.status.state === 'online'`

/** The page that a script writes over the first one. */
const WRITTEN = `<title>Written</title><button data-signal-send="Pressed">Press</button><p id="report" data-signal-refresh="ReportIncome">0</p>
<form action="/next" data-signal-send="Left"></form>`

describeInEngines('a page that document.open() and document.write() have replaced', (browser) => {
  it.each([
    ['at once', `document.open(); document.write(html); document.close()`],
    ['in two tasks', `document.open(); setTimeout(() => { document.write(html); document.close() }, 50)`],
    ['by writing only', `document.write(html); document.close()`],
  ])('%s sends, refreshes, dispatches events, and leaves its state to the next page', async (_how, write) => {
    const site = await openHtmlSite({
      '/': `${TAG}<title>First</title><body>${REPORT}`,
      '/next': `${TAG}<title>Next</title>`,
    })
    const other = await join(site.relay)
    const tab = await browser().open(site.page)
    await waitFor(tab, `document.readyState === 'complete' && ${IS_ONLINE}`)
    await tab.evaluate(`(() => {
      window.errors = []
      const html = ${JSON.stringify(WRITTEN)}
      ${write}
      window.onerror = (message) => void errors.push(message)
    })()`)
    await waitFor(tab, `document.title === 'Written' && document.documentElement.dataset.signalState === 'online'`)

    await tab.evaluate(`void document.addEventListener('signal:ReportIncome', () => (window.isTold = true))`)
    site.count = 7
    await other.send('ReportIncome', null)
    await waitFor(tab, `window.isTold && document.querySelector('#report').textContent === '7'`)

    await tab.evaluate(`void document.querySelector('button').click()`)
    await tab.evaluate(
      `Signalpost.getPageClient().onStatus(({ state }) => (sessionStorage.states = (sessionStorage.states ?? '') + state)) && 1`,
    )
    expect(await tab.evaluate('errors')).toEqual([])
    await tab.evaluate(`void document.querySelector('form').requestSubmit()`)
    await waitFor(tab, `document.title === 'Next' && ${IS_ONLINE}`)
    // Firefox closes the connection first.
    expect(await tab.evaluate('sessionStorage.states')).toMatch(/suspended$/)
    await expect
      .poll(() => other.heard.map(({ signal }) => signal), { timeout: PATIENCE })
      .toEqual(['ReportIncome', 'Pressed', 'Left'])
  })
})
