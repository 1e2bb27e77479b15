import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { count, waitForState } from './pages.js'
import type { RelayClient } from './relay-client.js'
import { startRelay } from './relay-process.js'
import { join, useBrowser } from './fixtures.js'
import { waitFor } from './tab-browser.js'
import { type DocumentRecord, openTwoSites, RETURNS, SPEEDS } from './two-sites.js'

const ROUNDS = 4
/** The signals that the relay logs during a slow visit. */
const MEANWHILE = 8

const MODES = [
  { mode: 'with the back/forward cache', flags: [], isCached: true },
  { mode: 'without the back/forward cache', flags: ['--disable-features=BackForwardCache'], isCached: false },
]

for (const { mode, flags, isCached } of MODES) {
  describeInChromium(`a tab that visits another site and returns, ${mode}`, () => {
    const browser = useBrowser(() => launchChromium(...flags))

    it.each(SPEEDS)('misses no signal of a steady stream and reports no gap: %s visits (G5, G6, G7)', async (speed) => {
      const relay = await startRelay()
      onTestFinished(relay.kill)
      const sites = await openTwoSites(browser(), relay)
      const { tab } = sites
      const stream = startStream(await join(relay))
      let restored = 0

      for (const round of count(ROUNDS)) {
        for (const way of RETURNS) {
          await sites.visit(way, speed, () => stream.passOn(MEANWHILE))
          restored += await tab.evaluate<number>('page.restored')
          // In the other rounds the page is left before it is online, or while it catches up.
          if (round % 2 === 0) await waitFor(tab, 'page.handledSinceShown > 0')
        }
      }
      const sent = await stream.stop()
      await waitForState(tab, 'online')

      await expect.poll(async () => missing(sent, await sites.records()), { timeout: PATIENCE / 3 }).toEqual([])
      const records = await sites.records()
      for (const { handled } of records) expect(handled).toEqual([...new Set(handled)].toSorted((a, b) => a - b))
      expect(records.filter(({ gaps }) => gaps > 0)).toEqual([])
      expect(restored > 0).toBe(isCached)
      // A page that begins before its predecessor was put aside may repeat the last signals of that one (G3).
      expect(speed === 'slow' ? repeated(records) : []).toEqual([])
    })
  })
}

function missing(sent: readonly number[], records: readonly DocumentRecord[]): number[] {
  const handled = new Set(records.flatMap((record) => record.handled))
  return sent.filter((number) => !handled.has(number))
}

function repeated(records: readonly DocumentRecord[]): number[] {
  const numbers = records.flatMap(({ handled }) => handled)
  return numbers.filter((number, index) => numbers.indexOf(number) !== index)
}

interface Stream {
  /** Waits until the relay has accepted so many more. */
  passOn(more: number): Promise<void>
  /** Returns all numbers that the relay has accepted. */
  stop(): Promise<number[]>
}

/** Sends 0, 1, 2 and so on, one about every 20 ms. */
function startStream(sender: RelayClient): Stream {
  let accepted = 0
  const end = new AbortController()

  async function run(): Promise<void> {
    while (!end.signal.aborted) {
      await sender.send('Count', accepted)
      accepted += 1
      await sleep(10)
    }
  }

  const running = run()
  const stop = async (): Promise<number[]> => {
    end.abort()
    await running
    return count(accepted)
  }
  onTestFinished(() => void stop())
  return {
    async passOn(more) {
      const enough = accepted + more
      await expect.poll(() => accepted, { timeout: PATIENCE, interval: 10 }).toBeGreaterThanOrEqual(enough)
    },
    stop,
  }
}
