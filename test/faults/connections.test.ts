import { describe, expect, it } from 'vitest'
import { cutConnections } from './cuts.js'
import { wrongIn } from './expectations.js'
import type { Page } from './page.js'
import { createRelayHere } from './relay-under-test.js'
import { inSeconds, recordRun } from './results.js'
import { byLength, THROUGH } from './run-length.js'
import { run } from './scenario.js'
import { pause } from './waiting.js'

/** Resolves when a page gives its connection up. */
function lossOf({ client }: Page): Promise<void> {
  return new Promise((resolve) => {
    const off = client.onStatus(({ state }) => {
      if (state === 'online') return
      off()
      resolve()
    })
  })
}

/** The relay's beat in F05, in milliseconds: a silent connection is in doubt after it, and given up soon after. */
const BEAT = 1000

describe('when connections fail', () => {
  it('F01 loses and repeats nothing while half of the connections are cut every 400 ms', async () => {
    const outcome = await run({
      relay: createRelayHere(),
      seconds: byLength(4, 60),
      faults: async (model) => {
        model.proxy.shape({ latency: [1, 15] })
        await cutConnections(model, 400)
      },
    })
    await recordRun('F01', 'half of the connections cut every 400 ms; latency of 1 to 15 ms', outcome, 0)
    expect(wrongIn(outcome, 0)).toEqual({})
  })

  // Pages without WebSockets share connections: F29 is their test.
  it.skipIf(THROUGH)(
    'F05 notices connections that died in silence, in both directions or in one, and loses nothing',
    async () => {
      const noticed: number[] = []
      const outcome = await run({
        relay: createRelayHere({ beat: BEAT }),
        seconds: byLength(6, 60),
        rate: 200,
        faults: async ({ proxy, pages, chance, isOver, note, allBack }) => {
          const losses: Promise<unknown>[] = []
          while (!isOver()) {
            await pause(700)
            const online = new Set(
              pages.filter(({ client }) => client.status.state === 'online').map(({ name }) => name),
            )
            const whole = [...proxy.connections].filter(({ isStalled, client }) => !isStalled && online.has(client))
            const connection = whole[Math.floor(chance.between(0, whole.length))]
            const way = (['both', 'toClient', 'toRelay'] as const)[Math.floor(chance.between(0, 3))]
            if (!connection) continue
            const stalledAt = performance.now()
            connection.stall(way)
            note(`holes (${way})`)
            const page = pages.find(({ name }) => name === connection.client)
            if (page) losses.push(lossOf(page).then(() => noticed.push(performance.now() - stalledAt)))
          }
          // Nothing is healed: each page has to notice by itself.
          await Promise.all(losses)
          await allBack()
        },
      })
      await recordRun(
        'F05',
        'connections that swallow everything, both ways or one',
        outcome,
        0,
        `noticed within ${inSeconds(Math.max(...noticed))} s at a beat of ${inSeconds(BEAT)} s`,
      )
      expect(wrongIn(outcome, 0)).toEqual({})
      expect(Math.max(...noticed)).toBeLessThan(BEAT + 10_000)
    },
  )

  it('F06 loses and repeats nothing when everything comes in pieces of 1 to 5 bytes', async () => {
    const outcome = await run({
      relay: createRelayHere(),
      seconds: byLength(4, 60),
      rate: byLength(40, 60),
      faults: async ({ proxy, note }) => {
        proxy.shape({ isSplit: true })
        note('connections in pieces', proxy.connections.size)
      },
    })
    await recordRun('F06', 'pieces of 1 to 5 bytes', outcome, 0)
    expect(wrongIn(outcome, 0)).toEqual({})
  })

  it('F13 reports every skip once when the relay keeps 5 signals and connections are cut', async () => {
    const outcome = await run({
      relay: createRelayHere({ history: 5 }),
      history: 5,
      seconds: byLength(4, 60),
      faults: (model) => cutConnections(model, 400),
    })
    await recordRun('F13', 'a memory of 5 signals, and cuts as in F01', outcome, outcome.gapsOwed)
    expect(wrongIn(outcome, outcome.gapsOwed)).toEqual({})
    expect(outcome.COVERED).toBeGreaterThan(0)
  })
})
