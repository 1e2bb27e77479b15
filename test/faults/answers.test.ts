import { describe, expect, it } from 'vitest'
import type { Chance } from './chance.js'
import { wrongIn } from './expectations.js'
import { createFrameRules, type FrameRules, type Treatment } from './frame-rules.js'
import { createRelayHere } from './relay-under-test.js'
import { recordRun } from './results.js'
import { byLength, THROUGH } from './run-length.js'
import { run, type Model } from './scenario.js'
import { pause } from './waiting.js'

/** The longest that an answer is held back, in milliseconds. */
const LATEST = 2000

/** Half of the answers come twice, late, overtaken by others, or not at all. */
function troubleAnswers(chance: Chance): FrameRules {
  const treat = (): Treatment => {
    const by = chance.between(0, LATEST)
    const draw = chance.next()
    if (draw < 0.15) return { do: 'duplicate', after: by }
    if (draw < 0.35) return { do: 'delay', by, keepsOrder: false }
    if (draw < 0.4) return { do: 'delay', by, keepsOrder: true }
    if (draw < 0.5) return { do: 'suppress' }
    return { do: 'pass' }
  }
  return createFrameRules([{ from: 'relay', type: 'accepted', treat }])
}

/** What was never answered is asked again on the next connection only: connections are cut until all is answered. */
async function cutUntilAnswered({ proxy, chance, trace, isOver, note }: Model): Promise<void> {
  const isAnswered = (): boolean => trace.published.every(({ outcome }) => outcome !== undefined)
  while (!isOver() || !isAnswered()) {
    await pause(isOver() ? LATEST / 2 : 1500)
    if (isOver() && isAnswered()) return
    for (const connection of chance.some(proxy.connections, isOver() ? 1 : 0.3)) {
      connection.cut()
      note('cuts')
    }
  }
}

describe('when answers go astray', () => {
  // HTTP answers have no frame `accepted`.
  it.skipIf(THROUGH)(
    'F17 settles each promise once and delivers once, though `accepted` comes late, twice, out of order or never',
    async () => {
      const outcome = await run({
        relay: createRelayHere(),
        seconds: byLength(60, 500),
        signals: byLength(1000, 10_000),
        rate: 800,
        rules: troubleAnswers,
        faults: cutUntilAnswered,
      })
      await recordRun('F17', '`accepted` repeated, late, out of order or dropped, and cuts', outcome, 0)
      expect(wrongIn(outcome, 0)).toEqual({})
      expect(outcome.published).toBe(byLength(1000, 10_000))
      expect(outcome.errors).toEqual({})
    },
  )
})
