import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { count, heardUpTo, openOnline, sendAndLeave, waitForState } from './pages.js'
import { join, openSiteWithRelay, useBrowser } from './fixtures.js'
import { WAYS } from './site.js'

describeInChromium('a page that sends and is left in the same breath', () => {
  const browser = useBrowser(launchChromium)

  it('delivers each of 100 signals once and in order, however it is left (G2, G3, G4)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))

    for (const index of count(100)) {
      // Half of the pages have a connection when they go, half have hardly begun to open one.
      if (index % 8 < 4) await waitForState(tab, 'online')
      await sendAndLeave(tab, index + 1, index, wayOf(index))
    }

    await expect.poll(() => other.heard.some(({ data }) => data === 99), { timeout: PATIENCE }).toBe(true)
    expect(other.heard.map(({ data }) => data)).toEqual(count(100))
    expect(await heardUpTo(tab, 99)).toEqual(count(100))
  })

  it('delivers 100 once and in order that were sent while the relay was away, and comes back (G1, G2, G3, G4)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const receiver = await openOnline(browser().open(site.page))
    const tab = await openOnline(browser().open(site.page))

    for (const index of count(100)) {
      // An outage is long: what many pages send waits for one return of the relay.
      if (index % OUTAGE === 0) await relay.kill()
      await sendAndLeave(tab, index + 1, index, wayOf(index))
      if (index % OUTAGE < OUTAGE - 1) continue
      await relay.start()
      // It has waited for long, and would go on for as long again.
      await receiver.evaluate('page.client.connect()')
      // Its memory goes with it: who was not there before the next kill would have a gap.
      await Promise.all([heardUpTo(receiver, index), heardUpTo(tab, index)])
    }

    expect(await heardUpTo(receiver, 99)).toEqual(count(100))
    expect(await heardUpTo(tab, 99)).toEqual(count(100))
  })
})

/** Pages that are left while the relay is away, each time. */
const OUTAGE = 25

function wayOf(index: number) {
  return WAYS[index % WAYS.length] ?? 'assign'
}
