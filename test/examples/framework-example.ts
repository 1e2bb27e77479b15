import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInChromium, PATIENCE, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { openViteDevSite, openViteSite, type ViteDevSite, type ViteSite } from './vite-site.js'

/** What the example of a framework does, as Vite builds it and on Vite's development server. */
export function describeExample(example: string, report: string): void {
  describeInChromium(`examples/${example}`, () => {
    const tabs = useTabs()
    let relay: RelayProcess
    let site: ViteSite

    beforeAll(async () => {
      relay = await startRelay()
      site = await openViteSite(example, relay)
    })
    afterAll(async () => {
      await site?.close()
      await relay?.kill()
    })

    async function open(path: string, from = site): Promise<Page> {
      const tab = await tabs.open(`${from.origin}/${path}`)
      await waitForState(tab, 'online')
      return tab
    }

    it('refreshes the report in every other tab when the form in one saves', async () => {
      const reports = [await open('report.html'), await open('report.html')]
      const form = await open('index.html')

      await save(form, 250)

      for (const tab of reports) {
        await rowOf(tab, 250).waitFor()
        await tab.getByText('User 123 has just saved something.').waitFor()
      }
      await form.locator('#outcome', { hasText: 'accepted' }).waitFor()
      expect(await form.getByLabel('Amount').inputValue()).toBe('250')
      expect(tabs.complaints).toEqual([])
    })

    it('shows that the relay is away, and catches up when it is back', async () => {
      const tab = await open('report.html')
      const form = await open('index.html')
      await relay.kill()
      for (const page of [tab, form]) await waitForState(page, /waiting|connecting/)

      await save(form, 70)
      await relay.start()

      await rowOf(tab, 70).waitFor()
      await form.locator('#outcome', { hasText: 'accepted' }).waitFor()
      for (const page of [tab, form]) await waitForState(page, 'online')
      expect(await rowOf(tab, 70).count()).toBe(1)
    })

    it('hears each signal once after its component was edited in place', async () => {
      const devSite = await openViteDevSite(example, relay)
      try {
        const tab = await open('report.html', devSite)
        await tab.evaluate(countRefreshes)
        await edit(tab, devSite, report, 'Edited once', COUNTED)
        await edit(tab, devSite, report, 'Edited twice')

        await save(await open('index.html', devSite), 40)
        await rowOf(tab, 40).waitFor()

        expect(await tab.evaluate(() => window.counts)).toEqual({ refreshes: 1, signals: 1 })
        expect(tabs.complaints).toEqual([])
      } finally {
        await devSite.close()
      }
    })
  })
}

interface Counts {
  refreshes: number
  signals: number
}

declare global {
  interface Window {
    /** What this page has heard; one that was loaded anew has no counts. */
    counts: Counts
  }
}

/** Runs in the page. Every registration of a refresh tells at once that a signal came. */
function countRefreshes(): void {
  const counts = { refreshes: 0, signals: 0 }
  window.counts = counts
  document.addEventListener('signalpost:refresh', (event) => {
    if (event instanceof CustomEvent && event.detail.phase === 'dirty') counts.refreshes += 1
  })
}

/** Another receiver for the component, in each of the languages. */
const COUNTED = `useSignal('ReportIncome', () => void (window.counts.signals += 1));\n  useSignal(`

/** Edits the source of a page's component, as its author does, and waits until the page has taken it. */
async function edit(
  tab: Page,
  site: ViteDevSite,
  file: string,
  title: string,
  receivers = 'useSignal(',
): Promise<void> {
  const path = join(site.folder, 'src', file)
  const draft = `${site.folder}.draft`
  const code = await readFile(path, 'utf8')
  const edited = code.replace(/<h1>.*<\/h1>/, `<h1>${title}</h1>`).replace('useSignal(', receivers)
  await expect
    .poll(
      async () => {
        // Saved again each time: the server that watches the file takes no notice of a change right after another.
        // As a whole: of a component that is empty for a moment, the page keeps nothing and is loaded anew.
        await writeFile(draft, edited)
        await rename(draft, path)
        return tab.getByRole('heading', { name: title }).count()
      },
      { interval: 1000, timeout: PATIENCE },
    )
    .toBe(1)
}

async function waitForState(tab: Page, state: string | RegExp): Promise<void> {
  await tab.locator('#status', { hasText: state }).waitFor()
}

async function save(form: Page, amount: number): Promise<void> {
  await form.getByLabel('Amount').fill(String(amount))
  await form.getByRole('button', { name: 'Save' }).click()
}

function rowOf(tab: Page, amount: number): Locator {
  return tab.getByRole('cell', { name: String(amount), exact: true })
}
