import { afterAll, describe, expect, it } from 'vitest'
import { expectNothingWrong } from './expectations.js'
import { createRelayProcess, removeBundle } from './relay-under-test.js'
import { inWords, record } from './results.js'
import { byLength } from './run-length.js'
import { ROOMS, run, type Scenario, type World } from './scenario.js'
import { pause } from './waiting.js'

afterAll(removeBundle)

const MEMBERSHIPS = 6 * ROOMS.length

/** Kills the relay so many milliseconds after everybody was back, again and again. Returns how often. */
async function killRelay({ restart, allBack, isOver, note }: World, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every)
    note('kills')
    await restart()
    await allBack()
  }
}

async function cutLines({ proxy, chance, isOver, note }: World, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every)
    for (const line of chance.some(proxy.lines, 0.5)) {
      line.cut()
      note('cuts')
    }
  }
}

/** A killed relay has lost its memory: every receiver is told so once per room, and of nothing else. */
async function runWithKills(id: string, title: string, scenario: Omit<Scenario, 'relay'>): Promise<void> {
  const outcome = await run({ relay: createRelayProcess(), ...scenario })
  const gapsExpected = (outcome.faults.kills ?? 0) * MEMBERSHIPS
  await record({ ...outcome, id, title, faults: inWords(outcome.faults), gapsExpected })
  expectNothingWrong(outcome)
  expect(outcome.GAPS).toBe(gapsExpected)
}

describe('when the relay dies', () => {
  it('F03 comes back by itself to a relay that is killed while signals flow', () =>
    runWithKills('F03', 'relay killed 1.5 s after everybody is back; pages come back by themselves', {
      seconds: byLength(3, 60),
      returns: 'by itself',
      faults: (world) => killRelay(world, 1500),
    }))

  it('F04 loses and repeats nothing while lines are cut and the relay is killed', () =>
    runWithKills('F04', 'half of the lines cut every 700 ms, relay killed 1.5 s after everybody is back', {
      seconds: byLength(5, 60),
      faults: async (world) => {
        await Promise.all([cutLines(world, 700), killRelay(world, 1500)])
      },
    }))

  it('F14 tells of each lost memory once when the relay is killed every 2 s', () =>
    runWithKills('F14', 'relay killed 2 s after everybody is back', {
      seconds: byLength(5, 60),
      faults: (world) => killRelay(world, 2000),
    }))
})
