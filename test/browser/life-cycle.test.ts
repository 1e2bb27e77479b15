import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { heardUpTo, openOnline, states, waitForState } from './pages.js'
import { join, openSiteWithRelay, useBrowser } from './fixtures.js'
import { waitFor } from './tab-browser.js'

describeInChromium('a page that the browser puts aside', () => {
  const browser = useBrowser(launchChromium)

  it('is online again at once when it comes back from the cache, and handles once what it missed (G3, G5, G8)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))
    await other.send('Count', 'before')
    await heardUpTo(tab, 'before')
    await tab.evaluate(
      `page.isKept = true, page.client.sendSignal('Count', 'sent'), location.assign('${site.elsewhere}')`,
    )
    await waitForQuiet(tab)
    await other.send('Count', 'missed')
    await other.send('Count', 'missed, too')

    await tab.back()
    await waitFor(tab, 'window.page?.isKept')
    await waitForState(tab, 'online')
    await other.send('Count', 'after')

    expect(await heardUpTo(tab, 'after')).toEqual(['before', 'sent', 'missed', 'missed, too', 'after'])
    expect(other.heard.map(({ data }) => data)).toEqual(['before', 'sent', 'missed', 'missed, too', 'after'])
    expect(await namesOf(tab)).toEqual(['online', 'suspended', 'connecting', 'online'])
    expect(await tab.evaluate(`performance.getEntriesByType('navigation')[0].notRestoredReasons`)).toBeNull()
  })

  it('goes on where it was itself when other pages of its tab were online meanwhile (G3, G5)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))
    await tab.evaluate('page.isKept = true, page.leave("click")')
    await waitFor(tab, 'window.page?.visit === 2')
    await waitForState(tab, 'online')
    await other.send('Count', 'missed')
    await heardUpTo(tab, 'missed')

    await tab.back()
    await waitFor(tab, 'window.page?.isKept')
    await waitForState(tab, 'online')
    await other.send('Count', 'after')

    // Two pages handled the first: the one that was there, and the one that has to catch up.
    expect(await heardUpTo(tab, 'after')).toEqual(['missed', 'missed', 'after'])
    expect(await tab.evaluate('page.signals.map(({ data }) => data)')).toEqual(['missed', 'after'])
  })

  it('takes its leave when it is frozen, and handles once what it missed when it is resumed (G3, G5, G8)', async () => {
    const log = await openLog()
    const { relay, site } = await openSiteWithRelay({}, '--log-level', 'debug', '--log-file', log.path)
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))
    // Only a tab that nobody sees can be frozen.
    await browser().open(site.quiet, 'same window')
    await waitFor(tab, `document.visibilityState === 'hidden'`)
    expect(await log.closeCodes()).toEqual([])

    await tab.setLifecycle('frozen')
    await expect.poll(log.closeCodes, { timeout: PATIENCE }).toEqual([1000])
    for (let n = 0; n < 100; n += 1) await other.send('Missed', n)
    await other.send('Count', 'missed')
    // Still hidden, as when the browser lets frozen tabs run for a moment: nothing but the resume tells.
    await tab.setLifecycle('active')
    await waitForState(tab, 'online')
    await other.send('Count', 'after')

    expect(await heardUpTo(tab, 'after')).toEqual(['missed', 'after'])
    expect(await tab.evaluate('page.signals.filter(({ name }) => name === "Missed").map(({ data }) => data)')).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    )
    expect(await namesOf(tab)).toEqual(['online', 'suspended', 'connecting', 'online'])
  })
})

async function waitForQuiet(tab: ChromiumTab): Promise<void> {
  await waitFor(tab, `document.title === 'Quiet' && document.readyState === 'complete'`)
}

async function namesOf(tab: ChromiumTab): Promise<string[]> {
  return (await states(tab)).map(({ state }) => state)
}

/** The relay's log, which tells how connections ended. */
async function openLog() {
  const folder = await mkdtemp(joinPath(tmpdir(), 'relay-log-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = joinPath(folder, 'relay.log')
  return {
    path,
    async closeCodes(): Promise<number[]> {
      const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes('a connection ended'))
      return lines.map((line) => (JSON.parse(line) as { code: number }).code)
    },
  }
}
