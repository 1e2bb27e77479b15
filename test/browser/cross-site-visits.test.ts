import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { count, heardUpTo, openOnline } from './pages.js'
import { join, openSiteWithRelay, useBrowser } from './fixtures.js'
import { type Tab, waitFor } from './tab-browser.js'

const ROUNDS = 5
/** Signals that another site stays open for. */
const STAY = 12

/** A page with a listener of `unload` is not put into the back/forward cache. */
const NO_CACHE = `addEventListener('unload', () => undefined)`

describeInChromium('a tab that visits another site', () => {
  const browser = useBrowser(launchChromium)

  it.each([
    ['at once, by the back button', '', 'history.back()', 0],
    ['late, by the back button', '', 'history.back()', STAY],
    ['at once, by the back button, without the cache', NO_CACHE, 'history.back()', 0],
    ['late, by the back button, without the cache', NO_CACHE, 'history.back()', STAY],
    ['at once, by an address', '', '', 0],
    ['late, by an address', NO_CACHE, '', STAY],
  ])('handles every signal once and in order when it comes back %s (G3, G5)', async (_how, script, back, stay) => {
    const { relay, site } = await openSiteWithRelay({ script })
    const other = await join(relay)
    const sender = await openOnline(browser().open(site.page))
    const tab = await openOnline(browser().open(site.page))
    await sender.evaluate(
      `page.sent = 0; page.timer = setInterval(() => page.client.sendSignal('Count', page.sent++), 20)`,
    )
    await waitFor(tab, 'page.heard().length > 0')

    for (const round of count(ROUNDS)) {
      // Every other page is left before it is online again.
      if (round % 2 === 0) await waitFor(tab, `page.client.status.state === 'online'`)
      await leaveFor(tab, site.elsewhere)
      const before = other.heard.length
      await expect
        .poll(() => other.heard.length, { timeout: PATIENCE, interval: 10 })
        .toBeGreaterThanOrEqual(before + stay)
      await tab.evaluate(`setTimeout(() => { ${back || `location.assign(${JSON.stringify(site.page)})`} })`)
      await waitFor(tab, `window.page?.client !== undefined`)
    }
    const last = await sender.evaluate<number>('clearInterval(page.timer), page.sent - 1')

    expect(await heardUpTo(tab, last)).toEqual(count(last + 1))
    expect(await tab.evaluate('page.errors')).toEqual([])
  })
})

async function leaveFor(tab: Tab, address: string): Promise<void> {
  await tab.evaluate(`setTimeout(() => location.assign(${JSON.stringify(address)}))`)
  await waitFor(tab, `location.href === ${JSON.stringify(address)} && document.readyState === 'complete'`)
}
