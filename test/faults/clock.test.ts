import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { wrongIn } from './expectations.js'
import { createRelayProcess, removeBundle } from './relay-under-test.js'
import { recordRun } from './results.js'
import { byLength, THROUGH } from './run-length.js'
import { run } from './scenario.js'
import { installFakePage } from './fake-page.js'
import { pause, until } from './waiting.js'

afterAll(removeBundle)
afterEach(() => void vi.useRealTimers())

const HOUR = 3_600_000
const LEAPS = [HOUR, -HOUR, 24 * HOUR, -24 * HOUR]

describe('when the wall clock leaps', () => {
  it('F19 neither dials again nor gives a signal up because the clock leaps by an hour or a day', async () => {
    let leaps = 0
    // The monotonic clock and timers go on as they do; the relay, in its own process, keeps the true time.
    vi.useFakeTimers({ toFake: ['Date'] })
    // With a page, the client looks at the clock itself, and takes a leap forward for a sleep.
    const fakePage = installFakePage()
    const outcome = await run({
      relay: createRelayProcess(),
      seconds: byLength(7, 300),
      fakePage,
      returns: 'by itself',
      faults: async ({ proxy, trace, isOver, note }) => {
        while (!isOver()) {
          await pause(byLength(1000, 5000))
          vi.setSystemTime(Date.now() + (LEAPS[leaps % LEAPS.length] ?? 0))
          leaps += 1
          note('leaps')
          if (leaps % 5 !== 0) continue
          note('cuts', proxy.connections.size)
          for (const connection of proxy.connections) connection.cut()
        }
        // Leaps may cancel each other out between two looks at the clock.
        vi.setSystemTime(Date.now() + HOUR)
        note('leaps')
        await until(() => trace.pings > 0, 20_000)
      },
    })
    vi.useRealTimers()
    fakePage.remove()
    await recordRun(
      'F19',
      'the clients’ wall clock leaps by ±1 h and ±1 day, now and then during a cut',
      outcome,
      0,
      `${outcome.dials} dials for 10 pages and ${outcome.faults.cuts ?? 0} cuts; ${outcome.pings} pings of pages that took a leap for a sleep`,
    )
    expect(wrongIn(outcome, 0)).toEqual({})
    // Pages without WebSockets share connections: a cut costs any number of pages theirs.
    const dialsExpected = THROUGH ? outcome.dials : 10 + (outcome.faults.cuts ?? 0)
    expect(outcome.dials).toBe(dialsExpected)
    expect(outcome.pings).toBeGreaterThan(0)
    expect(outcome.errors).toEqual({})
  })
})
