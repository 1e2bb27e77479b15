import { afterAll, describe, expect, it } from 'vitest'
import { cutConnections } from './cuts.js'
import { wrongIn } from './expectations.js'
import { createRelayProcess, removeBundle } from './relay-under-test.js'
import { recordRun } from './results.js'
import { byLength } from './run-length.js'
import { killRelay, MEMBERSHIPS } from './relay-kills.js'
import { run, type Scenario } from './scenario.js'

afterAll(removeBundle)

/** A killed relay has lost its memory: every receiver is told so once per room, and of nothing else. */
async function runWithKills(id: string, title: string, scenario: Omit<Scenario, 'relay'>) {
  const outcome = await run({ relay: createRelayProcess(), ...scenario })
  const gapsExpected = (outcome.faults.kills ?? 0) * MEMBERSHIPS
  await recordRun(id, title, outcome, gapsExpected)
  return { kills: outcome.faults.kills, wrong: wrongIn(outcome, gapsExpected) }
}

describe('when the relay dies', () => {
  it('F03 comes back by itself to a relay that is killed while signals flow', async () => {
    const title = 'relay killed 1.5 s after everybody is back; pages come back by themselves'
    const { kills, wrong } = await runWithKills('F03', title, {
      seconds: byLength(3, 60),
      returns: 'by itself',
      faults: (model) => killRelay(model, 1500),
    })
    expect(wrong).toEqual({})
    expect(kills).toBeGreaterThan(0)
  })

  it('F04 loses and repeats nothing while connections are cut and the relay is killed', async () => {
    const title = 'half of the connections cut every 700 ms, relay killed 1.5 s after everybody is back'
    const { kills, wrong } = await runWithKills('F04', title, {
      seconds: byLength(5, 60),
      faults: async (model) => {
        await Promise.all([cutConnections(model, 700), killRelay(model, 1500)])
      },
    })
    expect(wrong).toEqual({})
    expect(kills).toBeGreaterThan(0)
  })

  it('F14 tells of each lost memory once when the relay is killed every 2 s', async () => {
    const { kills, wrong } = await runWithKills('F14', 'relay killed 2 s after everybody is back', {
      seconds: byLength(5, 60),
      faults: (model) => killRelay(model, 2000),
    })
    expect(wrong).toEqual({})
    expect(kills).toBeGreaterThan(0)
  })
})
