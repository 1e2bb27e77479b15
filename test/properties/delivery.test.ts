import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { LIFE, type Life } from './actions.js'
import { RUNS } from './runs.js'
import { FOUND } from './seeds.js'
import { removeStage } from './stage.js'
import { startVirtualTime, stopVirtualTime } from './virtual-time.js'
import { createWorld, type Tally } from './world.js'

const sum: Tally = { accepted: 0, handled: 0, gaps: 0, covered: 0, lines: 0, arrivals: 0, returns: 0, rescued: 0 }

async function live({ history, lifetime, chance, actions }: Life, isStrict = false): Promise<Tally> {
  startVirtualTime(chance)
  try {
    const world = createWorld({ history, lifetime, isStrict })
    for (const page of [0, 1, 2]) await world.act({ do: 'open', page, since: page === 2 ? 'now' : 'navigation' })
    for (const page of [0, 1]) await world.act({ do: 'listen', page, room: 'main' })
    for (const action of actions) await world.act(action)
    await world.rest()
    await world.end()
    for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += world.tally[key]
    return world.tally
  } finally {
    vi.unstubAllGlobals()
    removeStage()
    stopVirtualTime()
  }
}

describe('whatever happens between pages and relay', () => {
  it.each(FOUND)('never again $counts: $what', async ({ life }) => {
    const tally = await live(life, true)
    expect(tally.handled).toBeGreaterThan(0)
  })

  it('G1 G3 G4 G5 G7 G11 nothing is lost, doubled, out of order or made up', async () => {
    await fc.assert(
      fc.asyncProperty(LIFE, async (life) => void (await live(life))),
      RUNS.lives,
    )
    const { accepted, handled, gaps, covered, lines, arrivals, returns, rescued } = sum
    console.info(
      `${accepted} signals accepted, ${handled} handled, ${lines} connections, ${gaps} gaps, ${covered} missed within them, ` +
        `${arrivals} pages after another, ${returns} back again, ${rescued} signals of pages that were left`,
    )
    // Worlds in which nothing happens would pass as well.
    expect(Math.min(accepted, handled, gaps, lines, arrivals, returns, rescued)).toBeGreaterThan(0)
  })
})
