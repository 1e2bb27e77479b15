import { expect, it } from 'vitest'
import { PATIENCE } from './chromium.js'
import { describeInEngines } from './engines.js'
import { openHtmlSite } from './html-site.js'
import { join } from './fixtures.js'
import { waitFor } from './tab-browser.js'

/** Pages as a server renders them, with one script tag and no script of their own. */
const PAGES = {
  '/': `<!doctype html>
<script src="/signalpost.min.js" data-url="$relay"></script>
<title>Income</title>
<output data-signal-status></output>
<form method="post" data-signal-send="ReportIncome" data-signal-data='{"userId":123}'><button>Save</button></form>
<a href="/other" data-signal-send="Left" data-signal-data="[1]">Leave</a>
<div id="report" data-signal-refresh="ReportIncome" data-signal-where="userId=123">$count</div>
<p id="count">$count</p>`,
  '/other': '<!doctype html><title>Other</title>',
}

const IS_ONLINE = `document.documentElement.dataset.signalState === 'online'`
const shows = (count: number): string => `document.querySelector('#report')?.textContent === '${count}'`

describeInEngines('a page of HTML', (browser) => {
  it('connects by itself, and shows the state of the connection', async () => {
    const { relay, page } = await openHtmlSite(PAGES)
    const tab = await browser().open(page)
    await waitFor(tab, IS_ONLINE)
    await waitFor(tab, `document.querySelector('output').textContent === 'online'`)
    await relay.kill()
    await waitFor(tab, `document.querySelector('output').dataset.signalStatus === 'waiting'`)
    await relay.start()
    await waitFor(tab, IS_ONLINE)
    expect(await tab.evaluate(`document.querySelector('output').textContent`)).toBe('online')
  })

  it('refreshes what its attributes name when another page saves, and what that page sent arrives (G2)', async () => {
    const site = await openHtmlSite(PAGES)
    const other = await join(site.relay)
    const report = await browser().open(site.page)
    await waitFor(report, `${IS_ONLINE} && ${shows(0)}`)
    const form = await browser().open(site.page)
    await waitFor(form, IS_ONLINE)

    await form.evaluate(`document.querySelector('button').click()`)

    await waitFor(report, shows(1))
    await waitFor(form, `${IS_ONLINE} && ${shows(1)}`)
    await form.evaluate(`document.querySelector('a').click()`)
    await waitFor(form, `document.title === 'Other'`)
    await expect.poll(() => other.heard.some(({ signal }) => signal === 'Left'), { timeout: PATIENCE }).toBe(true)
    expect(other.heard.map(({ signal, data }) => [signal, data])).toEqual([
      ['ReportIncome', { userId: 123 }],
      ['Left', [1]],
    ])
  })

  it('makes events of signals, and follows elements that come, change and go', async () => {
    const site = await openHtmlSite(PAGES)
    const other = await join(site.relay)
    const tab = await browser().open(site.page)
    await waitFor(tab, `${IS_ONLINE} && ${shows(0)}`)
    await tab.evaluate(`(() => {
      window.heard = []
      document.addEventListener('signal:Rates', ({ detail, signal }) => heard.push([detail, signal.name, signal.self]))
      document.querySelector('#report').dataset.signalRefresh = 'Rates'
      document.querySelector('#report').removeAttribute('data-signal-where')
    })()`)
    site.count = 7
    await other.send('Rates', { eur: 1 })
    await waitFor(tab, shows(7))
    expect(await tab.evaluate('heard')).toEqual([[{ eur: 1 }, 'Rates', false]])

    await tab.evaluate(`document.querySelector('#report').removeAttribute('data-signal-refresh')`)
    await tab.evaluate(`document.body.insertAdjacentHTML('beforeend', '<p id="late" data-signal-status></p>')`)
    await waitFor(tab, `document.querySelector('#late').textContent === 'online'`)
    await tab.evaluate(`document.querySelector('#count').setAttribute('data-signal-refresh', 'Rates')`)
    site.count = 8
    await other.send('Rates', { eur: 2 })
    await waitFor(tab, `document.querySelector('#count')?.textContent === '8'`)
    expect(await tab.evaluate(`document.querySelector('#report').textContent`)).toBe('7')
  })
})
