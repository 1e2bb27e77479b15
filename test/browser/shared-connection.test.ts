import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { JsonValue } from 'signalpost'
import { describeInChromium, PATIENCE } from './chromium.js'
import { type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { countSockets, join, openSiteWithRelay, type SiteWithRelay, useBrowser } from './fixtures.js'
import { heardUpTo, openOnline, waitForState } from './pages.js'
import type { RelayClient } from './relay-client.js'
import { waitFor } from './tab-browser.js'

describe.each(['leader', 'worker'] as const)('with a %s', (shared) => {
  describeInChromium('tabs that share one connection', () => {
    const browser = useBrowser(launchChromium)

    async function openTabs(url: string, number: number): Promise<ChromiumTab[]> {
      const tabs: ChromiumTab[] = []
      for (let count = 0; count < number; count += 1) tabs.push(await openOnline(browser().open(url)))
      return tabs
    }

    async function openSite(): Promise<SiteWithRelay & { readonly other: RelayClient }> {
      const opened = await openSiteWithRelay({ shared })
      return { ...opened, other: await join(opened.relay) }
    }

    it('hear and send as each on its own', async () => {
      const { relay, site, other } = await openSite()
      const tabs = await openTabs(site.page, 3)
      await other.send('Count', 'from elsewhere')
      await tabs[1]?.evaluate(`page.client.sendSignal('Count', 'from a tab')`)
      for (const tab of tabs) expect(await heardUpTo(tab, 'from a tab')).toEqual(['from elsewhere', 'from a tab'])
      // Three tabs and the client of this test, on two sockets.
      expect(await countSockets(relay)).toEqual({ connections: 4, sockets: 2 })
    })

    it('that come together are all welcome, and all come back when the one that has the connection closes', async () => {
      const { relay, site } = await openSite()
      const tabs = await Promise.all(Array.from({ length: 6 }, () => openOnline(browser().open(site.page))))
      await tabs[0]?.close()
      await expect.poll(() => countSockets(relay), { timeout: PATIENCE }).toEqual({ connections: 6, sockets: 2 })
      const rest = tabs.slice(1)
      for (const tab of rest) await waitForState(tab, 'online')
      // Neither a tab that was not welcome, nor one that took the relay for a server of another kind.
      const reasons = await Promise.all(rest.map((tab) => tab.evaluate('page.states.map(({ reason }) => reason)')))
      expect(reasons.flat().filter((reason) => String(reason).startsWith('no '))).toEqual([])
    })

    const ENDINGS: readonly (readonly [string, (tab: ChromiumTab) => Promise<unknown> | void])[] = [
      ['closes', (tab) => tab.close()],
      ['crashes', (tab) => tab.crash()],
      ['goes elsewhere', (tab) => tab.evaluate(`location.assign('about:blank')`)],
    ]

    it.each(ENDINGS)('miss nothing when the one that has the connection %s', async (_how, end) => {
      const { relay, site, other } = await openSite()
      const [first, ...others] = (await openTabs(site.page, 3)) as [ChromiumTab, ...ChromiumTab[]]
      const stop = sendSteadily(other)
      await first.evaluate(`page.heard().length > 3`)
      await end(first)
      await vi.waitUntil(async () => (await countSockets(relay)).connections === 3, { timeout: PATIENCE })
      const sent = await stop()
      for (const tab of others) expect(await heardUpTo(tab, sent.at(-1) ?? '')).toEqual(sent)
      expect(await countSockets(relay)).toEqual({ connections: 3, sockets: 2 })
    })

    it('miss nothing when the one that has the connection is frozen, nor does that one when it is resumed', async () => {
      const { relay, site, other } = await openSite()
      const [first, second] = (await openTabs(site.page, 2)) as [ChromiumTab, ChromiumTab]
      await other.send('Count', 'before')
      // Only a tab that nobody sees can be frozen: this one opens beside the second, and covers neither.
      const hidden = await openOnline(browser().open(site.page, 'same window'))
      await second.show()
      await waitFor(hidden, `document.visibilityState === 'hidden'`)
      await first.close()
      await second.close()
      const third = await openOnline(browser().open(site.page))
      const stop = sendSteadily(other)
      await hidden.setLifecycle('frozen')
      await vi.waitUntil(async () => (await countSockets(relay)).connections === 2, { timeout: PATIENCE })
      await waitForState(third, 'online')
      await hidden.setLifecycle('active')
      const sent = await stop()
      for (const tab of [hidden, third]) {
        const heard = await heardUpTo(tab, sent.at(-1) ?? '')
        expect(heard.filter((data) => data !== 'before')).toEqual(sent)
      }
    })
  })
})

describeInChromium('tabs of which one hangs', () => {
  const browser = useBrowser(launchChromium)

  it('go on with a worker', async () => {
    const { relay, site } = await openSiteWithRelay({ shared: 'worker' })
    const other = await join(relay)
    const first = await openOnline(browser().open(site.page))
    const second = await openOnline(browser().open(site.page))
    void first.evaluate(`const end = Date.now() + 5000; while (Date.now() < end);`).catch(() => undefined)
    await other.send('Count', 'meanwhile')
    for (const tab of [second, first]) expect(await heardUpTo(tab, 'meanwhile')).toEqual(['meanwhile'])
    expect(await second.evaluate(`page.states.map(({ state }) => state)`)).toEqual(['online'])
  })

  it('replace the one that has the connection', async () => {
    const { relay, site } = await openSiteWithRelay({ shared: 'leader' })
    const other = await join(relay)
    const first = await openOnline(browser().open(site.page))
    const second = await openOnline(browser().open(site.page))
    const stop = sendSteadily(other)
    void first.evaluate(`const end = Date.now() + 12000; while (Date.now() < end);`).catch(() => undefined)
    await waitFor(
      second,
      `page.states.some(({ state }) => state === 'connecting') && page.client.status.state === 'online'`,
    )
    const sent = await stop()
    expect(await heardUpTo(second, sent.at(-1) ?? '')).toEqual(sent)
    expect(await heardUpTo(first, sent.at(-1) ?? '')).toEqual(sent)
    await waitForState(first, 'online')
  })
})

/** Sends a number every 10 ms, until it is stopped. */
function sendSteadily(client: RelayClient): () => Promise<JsonValue[]> {
  const sent: JsonValue[] = []
  const stopped = new AbortController()
  async function run(): Promise<void> {
    for (let number = 0; !stopped.signal.aborted; number += 1) {
      sent.push(number)
      await client.send('Count', number)
      await pause(10)
    }
  }
  const running = run()
  return async () => {
    stopped.abort()
    await running
    return sent
  }
}
