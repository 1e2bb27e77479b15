import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Action, SCENARIO, type Scenario } from './actions.js'
import { RUNS } from './runs.js'
import { FOUND } from './seeds.js'
import { removeFakeBrowser } from './fake-browser.js'
import { startVirtualTime, stopVirtualTime } from './virtual-time.js'
import { createModel } from './model/model.js'
import type { Tally } from './model/records.js'

const sum: Tally = { accepted: 0, handled: 0, gaps: 0, covered: 0, connections: 0, arrivals: 0, returns: 0, rescued: 0 }

async function runScenario({ history, lifetime, chance, actions }: Scenario, isStrict = false): Promise<Tally> {
  startVirtualTime(chance)
  try {
    const model = createModel({ history, lifetime, isStrict })
    for (const page of [0, 1, 2]) await model.act({ do: 'open', page, since: page === 2 ? 'now' : 'navigation' })
    for (const page of [0, 1]) await model.act({ do: 'listen', page, room: 'main' })
    for (const action of actions) await model.act(action)
    await model.rest()
    await model.end()
    for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += model.tally[key]
    return model.tally
  } finally {
    vi.unstubAllGlobals()
    removeFakeBrowser()
    stopVirtualTime()
  }
}

const ONE_WAY: Action = { do: 'pass', milliseconds: 1 }
const LEAVING: Action = { do: 'leave', page: 2, isKept: true, farewell: 'arrives' }
const ARRIVING: Action = { do: 'arrive', page: 2, since: 'navigation', isSlow: false }
const REPLAYING: readonly Action[] = [
  { do: 'cut', page: 1 },
  ...Array.from({ length: 40 }, (_, data): Action => ({ do: 'publish', page: 0, room: 'main', data })),
  { do: 'pass', milliseconds: 20 },
  { do: 'open', page: 2, since: 'navigation' },
  { do: 'listen', page: 2, room: 'main' },
]

describe('whatever happens between pages and relay', () => {
  it.each(FOUND)('never again $counts: $what', async ({ scenario }) => {
    const tally = await runScenario(scenario, true)
    expect(tally.handled).toBeGreaterThan(0)
  })

  it.each<[string, readonly Action[]]>([
    ['dialing', [{ do: 'open', page: 2, since: 'navigation' }]],
    ['saying hello', [{ do: 'open', page: 2, since: 'navigation' }, ONE_WAY]],
    ['waiting', [{ do: 'kill' }, { do: 'pass', milliseconds: 200 }]],
    ['replaying', [...REPLAYING, { do: 'pass', milliseconds: 3 }]],
    ['leaving', [{ do: 'publish', page: 2, room: 'main', data: 1 }, LEAVING]],
    ['away, while the next page dials', [{ do: 'publish', page: 2, room: 'main', data: 1 }, LEAVING, ARRIVING]],
    [
      'frozen',
      [
        { do: 'freeze', page: 2 },
        { do: 'pass', milliseconds: 5000 },
      ],
    ],
  ])('G11 close() leaves nothing of a page that is %s', async (_what, actions) => {
    const before: Action[] = [{ do: 'pass', milliseconds: 20 }]
    if (actions.some((action) => action.do === 'open')) before.push({ do: 'close', page: 2 })
    const tally = await runScenario({
      history: 1000,
      chance: 1,
      actions: [...before, ...actions, { do: 'close', page: 2 }],
    })
    expect(tally.connections).toBeGreaterThan(2)
  })

  it('G1 G3 G4 G5 G7 G11 nothing is lost, doubled, out of order or made up', async () => {
    await fc.assert(
      fc.asyncProperty(SCENARIO, async (scenario) => void (await runScenario(scenario))),
      RUNS.scenarios,
    )
    const { accepted, handled, gaps, covered, connections, arrivals, returns, rescued } = sum
    console.info(
      `${accepted} signals accepted, ${handled} handled, ${connections} connections, ${gaps} gaps, ${covered} missed within them, ` +
        `${arrivals} pages after another, ${returns} back again, ${rescued} signals of pages that were left`,
    )
    // Scenarios in which nothing happens would pass as well.
    expect(Math.min(accepted, handled, gaps, connections, arrivals, returns, rescued)).toBeGreaterThan(0)
  })
})
