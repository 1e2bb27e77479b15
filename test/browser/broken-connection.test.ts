import { expect, it } from 'vitest'
import { describeInChromium } from './chromium.js'
import { type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { heardUpTo, openOnline, states, waitForState } from './pages.js'
import { join, openSiteWithRelay, openSiteWithConnection, useBrowser } from './fixtures.js'
import { waitFor } from './tab-browser.js'

/** Waits are as long as they can be, so that it is seen who did not wait. */
const LONGEST_WAITS = 'Math.random = () => 0.999'

/** Notes by how much the machine held up the page's timers. */
const NOTE_LATENESS = `
  page.late = 0
  let due = performance.now() + 50
  setInterval(() => {
    const now = performance.now()
    page.late = Math.max(page.late, now - due)
    due = now + 50
  }, 50)
`

describeInChromium('a page whose connection dies in silence', () => {
  const browser = useBrowser(launchChromium)

  it('notices within 5 s of using it, dials anew, and the signal arrives once (G1, G3, G8)', async () => {
    const { relay, site, connection } = await openSiteWithConnection({ script: NOTE_LATENESS })
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))
    connection.swallow()

    await tab.evaluate(`page.sentAt = performance.now(), page.client.sendSignal('Count', 'used') && 1`)
    await other.send('Count', 'missed')
    await waitFor(tab, `page.states.some(({ state }) => state === 'waiting')`)
    const noticed = (await states(tab)).find(({ state }) => state === 'waiting')
    const [sentAt, late] = await tab.evaluate<[number, number]>('[page.sentAt, page.late]')

    expect((noticed?.told ?? Infinity) - sentAt - late).toBeLessThan(5000)
    await waitForState(tab, 'online')
    expect(await heardUpTo(tab, 'used')).toEqual(['missed', 'used'])
    expect(other.heard.map(({ data }) => data)).toEqual(['missed', 'used'])
    expect((await states(tab)).map(({ state }) => state)).toEqual(['online', 'waiting', 'connecting', 'online'])
  })
})

describeInChromium('a page that the browser calls offline', () => {
  const browser = useBrowser(launchChromium)

  it('keeps a connection that works (G8)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))

    await tab.evaluate(`addEventListener('offline', () => (page.wasTold = true))`)
    await tab.setOffline(true)
    await waitFor(tab, 'page.wasTold && !navigator.onLine')
    // Both ways, twice: the second pair comes after the answer to whatever the first may have caused.
    for (const round of ['first', 'second']) {
      expect(
        await tab.evaluate(`page.client.sendSignal('Count', '${round} sent').then(({ outcome }) => outcome)`),
      ).toBe('accepted')
      await other.send('Count', `${round} heard`)
    }

    expect(await heardUpTo(tab, 'second heard')).toEqual(['first sent', 'first heard', 'second sent', 'second heard'])
    expect((await states(tab)).map(({ state }) => state)).toEqual(['online'])
  })

  it('does not wait any longer once it is online (G8)', async () => {
    const { relay, site } = await openSiteWithRelay({ script: LONGEST_WAITS })
    const tab = await openOnline(browser().open(site.page))
    await relay.kill()
    await waitForLongWait(tab)
    await tab.setOffline(true)
    await relay.start()

    await tab.setOffline(false)

    await waitForState(tab, 'online')
    expect(await wasWaitCut(tab)).toBe(true)
  })

  it('does not wait any longer when it has just dialed in vain, as after a sleep (G8)', async () => {
    const { relay, site } = await openSiteWithRelay({ script: LONGEST_WAITS })
    const tab = await openOnline(browser().open(site.page))
    await tab.setOffline(true)
    await relay.kill()
    await waitForLongWait(tab)
    await relay.start()
    await tab.evaluate('page.attempt = page.client.status.attempt, page.client.connect()')
    await waitFor(tab, `page.client.status.attempt > page.attempt && page.client.status.state === 'waiting'`)

    await tab.setOffline(false)

    await waitForState(tab, 'online')
    expect(await wasWaitCut(tab)).toBe(true)
  })
})

/** Waits for a wait that is far from its end. */
async function waitForLongWait(tab: ChromiumTab): Promise<void> {
  await waitFor(tab, `page.client.status.state === 'waiting' && page.client.status.retryAt - Date.now() > 3000`)
}

/** Whether the last dial came before the one that had been put off was due; a wake may have put it forward in between. */
async function wasWaitCut(tab: ChromiumTab): Promise<boolean> {
  const all = await states(tab)
  const dialed = all.length - 2
  const waits = all.slice(all.findLastIndex(({ state }, index) => index < dialed && state !== 'waiting') + 1, dialed)
  const [waiting, connecting] = [waits[0], all[dialed]]
  if (waiting?.state !== 'waiting' || !connecting) throw new Error('It has not waited.')
  return connecting.since < waiting.retryAt
}
