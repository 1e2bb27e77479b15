import { describe, expect, it } from 'vitest'
import { expectNothingMissing, expectNothingWrong } from './expectations.js'
import { createRelayHere } from './relay-under-test.js'
import { inSeconds, inWords, record } from './results.js'
import { byLength } from './run-length.js'
import { run, type World } from './scenario.js'
import { pause } from './waiting.js'

/** Cuts half of the lines every so many milliseconds, in the ways that lines break. */
async function cutLines({ proxy, chance, isOver, note }: World, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every)
    for (const line of chance.some(proxy.lines, 0.5)) {
      line.cut(chance.next() < 0.5 ? 'reset' : 'destroy')
      note('cuts')
    }
  }
}

/** The relay's beat in F05, in milliseconds: a silent line is in doubt after it, and given up soon after. */
const BEAT = 1000

describe('when lines fail', () => {
  it('F01 loses and repeats nothing while half of the lines are cut every 400 ms', async () => {
    const outcome = await run({
      relay: createRelayHere(),
      seconds: byLength(6, 60),
      faults: async (world) => {
        world.proxy.shape({ latency: [1, 15] })
        await cutLines(world, 400)
      },
    })
    await record({
      ...outcome,
      id: 'F01',
      title: 'half of the lines cut every 400 ms; latency of 1 to 15 ms',
      faults: inWords(outcome.faults),
      gapsExpected: 0,
    })
    expectNothingWrong(outcome)
    expectNothingMissing(outcome)
  })

  it('F05 notices lines that died in silence, in both directions or in one, and loses nothing', async () => {
    const noticed: number[] = []
    const outcome = await run({
      relay: createRelayHere({ beat: BEAT }),
      seconds: byLength(8, 60),
      rate: 200,
      faults: async ({ proxy, chance, isOver, note, allBack }) => {
        const leaving: Promise<unknown>[] = []
        while (!isOver()) {
          await pause(700)
          const whole = [...proxy.lines].filter(({ isStalled }) => !isStalled)
          const line = whole[Math.floor(chance.between(0, whole.length))]
          const way = (['both', 'toClient', 'toRelay'] as const)[Math.floor(chance.between(0, 3))]
          if (!line) continue
          const stalledAt = performance.now()
          line.stall(way)
          note(`holes (${way})`)
          leaving.push(line.left.then(() => noticed.push(performance.now() - stalledAt)))
        }
        // Nothing is healed: each page has to notice by itself.
        await Promise.all(leaving)
        await allBack()
      },
    })
    await record({
      ...outcome,
      id: 'F05',
      title: 'lines that swallow everything, both ways or one',
      faults: inWords(outcome.faults),
      gapsExpected: 0,
      note: `noticed within ${inSeconds(Math.max(...noticed))} s at a beat of ${inSeconds(BEAT)} s`,
    })
    expectNothingWrong(outcome)
    expectNothingMissing(outcome)
    expect(Math.max(...noticed)).toBeLessThan(BEAT + 10_000)
  })

  it('F06 loses and repeats nothing when everything comes in pieces of 1 to 5 bytes', async () => {
    const outcome = await run({
      relay: createRelayHere(),
      seconds: byLength(5, 60),
      rate: byLength(40, 60),
      faults: async ({ proxy, note }) => {
        proxy.shape({ isSplit: true })
        note('lines in pieces', proxy.lines.size)
      },
    })
    await record({
      ...outcome,
      id: 'F06',
      title: 'pieces of 1 to 5 bytes',
      faults: inWords(outcome.faults),
      gapsExpected: 0,
    })
    expectNothingWrong(outcome)
    expectNothingMissing(outcome)
  })

  it('F13 tells of every skip, once each, when the relay keeps 5 signals and lines are cut', async () => {
    const outcome = await run({
      relay: createRelayHere({ history: 5 }),
      history: 5,
      seconds: byLength(5, 60),
      faults: (world) => cutLines(world, 400),
    })
    await record({
      ...outcome,
      id: 'F13',
      title: 'a memory of 5 signals, and cuts as in F01',
      faults: inWords(outcome.faults),
      gapsExpected: outcome.gapsOwed,
    })
    expectNothingWrong(outcome)
    expect(outcome.COVERED).toBeGreaterThan(0)
  })
})
