import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeInChromium } from '../chromium.js'
import { launchChromium } from '../chromium-devtools.js'
import { join, useBrowser } from '../fixtures.js'
import { openHtmlSite } from '../html-site.js'
import { describeWhere } from '../installed.js'
import { waitFor } from '../tab-browser.js'
import { isInstalled } from './guide-site.js'

const describeInstalled = describeWhere(
  isInstalled,
  'The libraries of pages are missing: run npm ci --prefix test/browser/libraries.',
)

describeInstalled('an earlier page that a library shows from memory', () => {
  describeInChromium('after a signal', () => {
    const browser = useBrowser(() => launchChromium())

    it.each([
      ['Turbo', '@hotwired/turbo/dist/turbo.es2017-umd.js', '', ''],
      ['htmx', 'htmx.org/dist/htmx.min.js', 'hx-boost="true"', ''],
      ['Unpoly', 'unpoly/unpoly.min.js', '', 'up-follow'],
    ])('is refreshed: %s', async (_what, file, onBody, onLink) => {
      const head = `<!doctype html><title>Page</title>
        <script src="/signalpost.min.js" data-url="$relay"></script><script src="/lib.js"></script>
        <script>document.addEventListener('signal:ReportIncome', () => (window.isHeard = true))</script>`
      const page = (main: string, link: string): string => `${head}<body ${onBody}><main>${main}
        <a id="go" href="${link}" ${onLink}>Go</a></main>`
      const site = await openHtmlSite({
        '/lib.js': readFileSync(new URL(`node_modules/${file}`, import.meta.url), 'utf8'),
        '/': page('<div id="report" data-signal-refresh="ReportIncome">income $count</div>', '/other'),
        '/other': page('<p id="other">Other</p>', '/'),
      })
      const other = await join(site.relay)
      const tab = await browser().open(site.page)
      await waitFor(tab, `Signalpost.getPageClient().status.state === 'online' && document.readyState === 'complete'`)
      await tab.evaluate(`window.isFirst = true; document.querySelector('#go').click()`)
      await waitFor(tab, `Boolean(document.querySelector('#other'))`)
      site.count = 7
      await other.send('ReportIncome', null)
      await waitFor(tab, 'isHeard')
      await tab.evaluate('history.back()')
      await waitFor(tab, `document.querySelector('#report')?.textContent === 'income 7'`)
      expect(await tab.evaluate('isFirst')).toBe(true)
    })
  })
})
