import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE, useTabs } from './chromium.js'
import { join } from './fixtures.js'
import { openHtmlSite } from './html-site.js'

const TAG = '<script src="/signalpost.min.js" data-url="$relay"></script>'
const REPORT =
  '<p id="report" data-signal-refresh="ReportIncome">$count</p><button data-signal-send="Pressed">Press</button>'

const REPLACED = [
  ['URL', `var URL = '/reports'`],
  ['URL', `function URL() { return { base: '/' } }`],
  ['Map', `function Map(element) { this.element = element }`],
  ['Set', `var Set = { one: 1 }`],
  ['Date', `var Date = '2026-11-27'`],
  ['performance', `var performance = { revenue: 1 }`],
  ['JSON', `var JSON = { parse() {} }`],
  ['Promise', `var Promise = 'kept'`],
] as const

describeInChromium('a page with built-ins of its own', () => {
  const tabs = useTabs()

  /** Returns the complaints of a page that refreshes and sends. */
  async function use(html: string): Promise<readonly string[]> {
    const site = await openHtmlSite({ '/': `<!doctype html>${html}${REPORT}` })
    const other = await join(site.relay)
    const page = await tabs.open(site.page)
    await page.locator('html[data-signal-state=online]').waitFor()
    site.count = 7
    await other.send('ReportIncome', null)
    await page.locator('#report', { hasText: '7' }).waitFor()
    await page.locator('button').click()
    await expect.poll(() => other.heard.map(({ signal }) => signal), { timeout: PATIENCE }).toContain('Pressed')
    return tabs.complaints
  }

  it.each(REPLACED)('works when %s is replaced after the tag: %s', async (_name, script) => {
    expect(await use(`${TAG}<script>${script}</script>`)).toEqual([])
  })

  it.each(REPLACED)(
    'has no client, and one error that names %s, when a script before the tag replaces it: %s',
    async (name, script) => {
      const site = await openHtmlSite({
        '/': `<!doctype html><script>${script}</script>${TAG}${REPORT}<script>console.warn(typeof Signalpost)</script>`,
      })
      // Playwright itself needs some of them in the page.
      await tabs.open(site.page)
      await expect
        .poll(() => tabs.complaints, { timeout: PATIENCE })
        .toEqual([expect.stringContaining(`The page has replaced ${name}: load signalpost before`), 'undefined'])
    },
  )

  it.each([
    [
      'enumerable additions to prototypes',
      `Object.prototype.extend = () => 1; Array.prototype.remove = () => 1; String.prototype.trimAll = () => 1`,
    ],
    [
      'no Object.hasOwn, at() and replaceAll()',
      `delete Object.hasOwn; delete Array.prototype.at; delete String.prototype.replaceAll`,
    ],
    ['a Date that a test library wraps', `Date = class extends Date {}`],
  ])('works with %s', async (_what, script) => {
    expect(await use(`<script>${script}</script>${TAG}`)).toEqual([])
  })
})
