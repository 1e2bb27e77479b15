import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Chance, createChance } from '../faults/chance.js'
import type { BreakableConnection } from './breakable-connection.js'
import { describeInChromium, PATIENCE } from './chromium.js'
import { type Chromium, type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { countSockets, join, openSiteWithConnection, useBrowser } from './fixtures.js'
import { openOnline } from './pages.js'
import type { RelayClient } from './relay-client.js'
import type { Sharing } from './site.js'
import { waitFor } from './tab-browser.js'

/**
 * `CHAOS=full` runs 20 seeds of 200 operations with each way to share, which takes about an hour and a half. `CHAOS_SEED`
 * repeats one seed, and `CHAOS_WITH=worker` runs one way to share.
 */
const IS_FULL = process.env.CHAOS === 'full'
const OPERATIONS = IS_FULL ? 200 : 20
const SEEDS = process.env.CHAOS_SEED
  ? [Number(process.env.CHAOS_SEED)]
  : Array.from({ length: IS_FULL ? 20 : 1 }, (_, index) => index + 1)

const SHARINGS = (process.env.CHAOS_WITH?.split(',') ?? ['leader', 'worker']) as readonly Sharing[]

const TABS = 5
/** How often the test sends to all tabs (ms). */
const DOWN_EVERY = 10

/** Pages of a busy machine may be away for longer than the 10 s that the default of 1,000 signals covers at this rate. */
const WHOLE_HISTORY = ['--history', '100000']

/** Each tab sends five signals a second, also from its later pages, and steals the lock of the hub when it is told to. */
const SCRIPT = `
  const tab = sessionStorage.getItem('tab') ?? crypto.randomUUID()
  sessionStorage.setItem('tab', tab)
  setInterval(() => {
    if (sessionStorage.getItem('isOver')) return
    const number = Number(sessionStorage.getItem('sent'))
    sessionStorage.setItem('sent', String(number + 1))
    page.client.sendSignal('Up', { tab, number })
  }, 200)
  page.tab = tab
  page.steal = () => {
    const url = document.querySelector('meta').content
    void navigator.locks.request('signalpost 1 ' + url, { steal: true }, () => undefined)
  }
  page.hang = (time) => {
    for (const end = performance.now() + time; performance.now() < end; );
  }
  page.client.onGap(({ room, reason }) => {
    const gap = { room, reason, visit: page.visit, after: page.heard().at(-1) }
    sessionStorage.setItem('gaps', (sessionStorage.getItem('gaps') ?? '') + JSON.stringify(gap))
  })
`

interface Model {
  readonly browser: Chromium
  readonly tabs: ChromiumTab[]
  readonly connection: BreakableConnection
  readonly chance: Chance
  readonly page: string
  readonly elsewhere: string
}

type Operation = (model: Model, tab: ChromiumTab) => Promise<unknown> | unknown

const OPERATIONS_BY_NAME: { readonly [name: string]: Operation } = {
  closes: async (model, tab) => {
    await tab.close()
    await replace(model, tab)
  },
  crashes: async (model, tab) => {
    tab.crash()
    // The browser gives the place of a crashed page to nothing else.
    await replace(model, tab)
  },
  reloads: (_model, tab) => tab.evaluate(`page.leave('reload')`),
  'follows a link': (_model, tab) => tab.evaluate(`page.leave('click')`),
  'goes elsewhere and back': async ({ elsewhere }, tab) => {
    await tab.evaluate(`void setTimeout(() => location.assign('${elsewhere}'))`)
    await waitFor(tab, `document.title === 'Quiet' && document.readyState === 'complete'`)
    await tab.back()
    await waitFor(tab, 'Boolean(window.page)')
  },
  'is frozen': async (_model, tab) => {
    if (!(await tab.evaluate<boolean>('document.hidden'))) return
    await tab.setLifecycle('frozen')
    await pause(300)
    await tab.setLifecycle('active')
  },
  hangs: ({ chance }, tab) => {
    // An answer would come when the page has time again.
    void tab.evaluate(`page.hang(${Math.round(chance.between(500, 5000))})`).catch(() => undefined)
  },
  'takes the lock': (_model, tab) => tab.evaluate('page.steal()'),
  'is shown': (_model, tab) => tab.show(),
  'loses its connection': ({ connection }) => connection.cut(),
  'loses its connection in silence': ({ connection }) => connection.swallow(),
}

async function replace(model: Model, tab: ChromiumTab): Promise<void> {
  const place = model.chance.next() < 0.5 ? 'same window' : 'new window'
  model.tabs[model.tabs.indexOf(tab)] = await openOnline(model.browser.open(model.page, place))
}

describe.each(SHARINGS)('with a %s', (shared) => {
  describeInChromium('five tabs that share one connection', () => {
    const browser = useBrowser(launchChromium)

    it.each(SEEDS)(
      `hear and send everything once and in order through ${OPERATIONS} operations of seed %i`,
      async (seed) => {
        const { relay, connection, site } = await openSiteWithConnection({ shared, script: SCRIPT }, ...WHOLE_HISTORY)
        const observer = await join(relay)
        const chance = createChance(seed)
        const tabs: ChromiumTab[] = []
        for (let count = 0; count < TABS; count += 1) {
          tabs.push(await openOnline(browser().open(site.page, count % 2 === 0 ? 'new window' : 'same window')))
        }
        const model: Model = {
          browser: browser(),
          tabs,
          connection,
          chance,
          page: site.page,
          elsewhere: site.elsewhere,
        }
        const down = sendDown(observer)
        onTestFinished(() => void down.stop())
        const done: string[] = []

        for (let count = 0; count < OPERATIONS; count += 1) {
          const names = Object.keys(OPERATIONS_BY_NAME)
          const name = names[Math.floor(chance.between(0, names.length))] ?? ''
          const index = Math.floor(chance.between(0, TABS))
          const tab = tabs[index] as ChromiumTab
          done.push(`${name} ${index}`)
          await waitFor(tab, 'Boolean(window.page?.tab)')
          await OPERATIONS_BY_NAME[name]?.(model, tab)
          await pause(chance.between(50, 400))
        }

        for (const [index, tab] of tabs.entries()) {
          const status = (): Promise<unknown> => tab.evaluate('({ ...page.client.status, now: performance.now() })')
          await expect.poll(status, { timeout: PATIENCE, message: `tab ${index}` }).toMatchObject({ state: 'online' })
        }
        const last = await down.stop()
        const problems = await problemsOf(tabs, observer, last)
        expect(problems.length > 0 ? [...problems, ...done] : []).toEqual([])
        // No tab that is gone has left anything, and one of the tabs has the connection. Tabs whose worker does not answer
        // in time, as on a busy machine, share a second one.
        const sockets = expect.toSatisfy((count: number) => count === 2 || (shared === 'worker' && count === 3))
        await expect.poll(() => countSockets(relay), { timeout: PATIENCE }).toEqual({ connections: TABS + 1, sockets })
      },
      IS_FULL ? 600_000 : 180_000,
    )
  })
})

/** Sends 0, 1, 2 and so on to all tabs. */
function sendDown(client: RelayClient): { stop(): Promise<number> } {
  const accepted: Promise<void>[] = []
  const timer = setInterval(() => void accepted.push(client.send('Count', accepted.length)), DOWN_EVERY)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(accepted)
      return accepted.length - 1
    },
  }
}

/** Everything that is wrong with what the tabs heard and sent. */
async function problemsOf(tabs: readonly ChromiumTab[], observer: RelayClient, last: number): Promise<string[]> {
  const problems: string[] = []
  for (const tab of tabs) {
    await waitFor(tab, `page.heard().includes(${last})`)
    const heard = await tab.evaluate<number[]>('page.heard()')
    const first = heard[0] ?? 0
    const wrong = heard.findIndex((number, index) => number !== first + index)
    if (wrong >= 0)
      problems.push(`tab ${tabs.indexOf(tab)} heard ${heard.slice(Math.max(0, wrong - 3), wrong + 3).join()}`)
    const gaps = await tab.evaluate<string | null>(`sessionStorage.getItem('gaps')`)
    if (gaps) problems.push(`tab ${tabs.indexOf(tab)} was told of the gaps ${gaps}`)
  }
  for (const tab of tabs) await tab.evaluate(`sessionStorage.setItem('isOver', 'true')`)
  for (const tab of tabs) {
    const name = await tab.evaluate<string>('page.tab')
    const sent = await tab.evaluate<number>(`Number(sessionStorage.getItem('sent'))`)
    const numbers = (): number[] => sentBy(observer, name)
    await expect.poll(() => numbers().length, { timeout: PATIENCE }).toBeGreaterThanOrEqual(sent)
    const wrong = numbers().findIndex((number, index) => number !== index)
    if (wrong >= 0 || numbers().length > sent)
      problems.push(
        `sent ${numbers()
          .slice(Math.max(0, wrong - 3))
          .join()}`,
      )
  }
  return problems
}

function sentBy({ heard }: RelayClient, tab: string): number[] {
  const data = heard
    .filter(({ signal }) => signal === 'Up')
    .map((frame) => frame.data as { tab: string; number: number })
  return data.filter((sent) => sent.tab === tab).map(({ number }) => number)
}
