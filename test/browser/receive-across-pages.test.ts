import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { count, heardUpTo, openOnline, waitForState, waitForVisit } from './pages.js'
import { join, openSiteWithRelay, useBrowser } from './fixtures.js'
import { type Site, WAYS } from './site.js'
import { waitFor } from './tab-browser.js'

describeInChromium('the pages of a tab, one after the other', () => {
  const browser = useBrowser(launchChromium)

  it('handle every signal once and in order over 50 navigations, at 20 signals a second (G3, G4, G5)', async () => {
    const { site } = await openSiteWithRelay()
    const [sender, tab] = [await openOnline(browser().open(site.page)), await openOnline(browser().open(site.page))]
    await sender.evaluate(
      `page.sent = 0; page.timer = setInterval(() => page.client.sendSignal('Count', page.sent++), 50)`,
    )

    for (const index of count(50)) {
      // Every other page is left before it is online, or while it catches up.
      if (index % 2 === 0) await waitForState(tab, 'online')
      await tab.evaluate(`page.leave('${WAYS[index % WAYS.length]}')`)
      await waitForVisit(tab, index + 2)
    }
    const last = await sender.evaluate<number>('clearInterval(page.timer), page.sent - 1')

    expect(await heardUpTo(tab, last)).toEqual(count(last + 1))
    expect(await heardUpTo(sender, last)).toEqual(count(last + 1))
  })

  it('begin with what was sent while the first of them loaded, and with nothing older (G6)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    await other.send('Count', 'before')

    for (const address of [site.slowPage, site.slowScript]) {
      const tab = await browser().open(address)
      await waitForRequest(site)
      await other.send('Count', 'meanwhile')
      await other.send('Count', 'meanwhile, too')
      site.release()
      await waitForState(tab, 'online')
      await other.send('Count', 'after')

      expect(await heardUpTo(tab, 'after')).toEqual(['meanwhile', 'meanwhile, too', 'after'])
      expect(await tab.evaluate('page.signals.map(({ replayed }) => replayed)')).toEqual([true, true, false])
    }
  })

  it('are not reloaded again and again by a handler that reloads the page (G6)', async () => {
    const { relay, site } = await openSiteWithRelay({
      script: `page.client.receiveSignal('Reload', () => location.reload())`,
    })
    const other = await join(relay)
    // Replayed to the tab's first page, which has no position yet.
    const tab = await browser().open(site.slowPage)
    await waitForRequest(site)
    await other.send('Reload', null)
    site.release()
    // It reloads the slow page.
    await waitForRequest(site)
    site.release()
    await waitForVisit(tab, 2)
    await waitForState(tab, 'online')

    await other.send('Reload', null)
    await waitForRequest(site)
    site.release()
    await waitForVisit(tab, 3)
    await other.send('Count', 'done')

    expect(await heardUpTo(tab, 'done')).toEqual(['done'])
    expect(await tab.evaluate('page.visit')).toBe(3)
  })

  it('are not reloaded again and again by a handler that reloads at a gap (G7)', async () => {
    const { relay, site } = await openSiteWithRelay({ script: `page.client.onGap(() => location.reload())` })
    const tab = await openOnline(browser().open(site.page))
    const first = await join(relay)
    await first.send('Count', 'before')
    await heardUpTo(tab, 'before')

    await relay.kill()
    await relay.start()
    await waitForVisit(tab, 2)
    const second = await join(relay)
    await second.send('Count', 'after')

    expect(await heardUpTo(tab, 'after')).toEqual(['before', 'after'])
    expect(await tab.evaluate('page.visit')).toBe(2)
  })
})

describeInChromium('a tab that was duplicated', () => {
  const browser = useBrowser(launchChromium)

  it('is another tab, and makes nothing arrive twice (G2, G3)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const receiver = await openOnline(browser().open(site.page))
    const tab = await openOnline(browser().open(site.page))
    await relay.kill()
    await tab.evaluate(`page.client.sendSignal('Count', 'left behind') && 1`)
    // No page of signalpost: what was left behind is still there, and is copied.
    await tab.goto(site.quiet)
    await waitFor(tab, `document.title === 'Quiet' && document.readyState === 'complete'`)

    await tab.evaluate('open("/") && 1')
    await tab.goto(site.page)
    await relay.start()
    const [copy] = await browser().popups()
    if (!copy) throw new Error('There is no second tab.')
    await Promise.all([waitForState(tab, 'online'), waitForState(copy, 'online')])
    await tab.evaluate(`page.client.sendSignal('Count', 'original') && 1`)
    await heardUpTo(receiver, 'original')
    await copy.evaluate(`page.client.sendSignal('Count', 'copy') && 1`)

    const heard = await heardUpTo(receiver, 'copy')
    expect(heard).toEqual(['left behind', 'original', 'copy'])
    expect(await heardUpTo(tab, 'copy')).toEqual(heard)
    expect(await heardUpTo(copy, 'copy')).toEqual(heard)
    // The storage has really been copied.
    expect(await copy.evaluate('page.visit')).toBe(2)
    const senders = await receiver.evaluate<string[]>('page.signals.slice(1).map(({ sender }) => sender.tab)')
    expect(new Set(senders).size).toBe(2)
  })
})

async function waitForRequest(site: Site): Promise<void> {
  await expect.poll(() => site.held, { timeout: PATIENCE }).toBe(1)
}
