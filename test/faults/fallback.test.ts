import { afterAll, describe, expect, it } from 'vitest'
import { describeRedis } from '../relay/redis-server.js'
import { cutConnections } from './cuts.js'
import { wrongIn } from './expectations.js'
import { digHoles, killRelays, runOnRedis } from './redis-scenario.js'
import { killRelay, MEMBERSHIPS } from './relay-kills.js'
import { createRelayHere, createRelayProcess, removeBundle } from './relay-under-test.js'
import { recordRun } from './results.js'
import { type Blocked, byLength } from './run-length.js'
import { run } from './scenario.js'

afterAll(removeBundle)

const WAYS: { readonly [Way in Blocked]: string } = {
  streams: 'WebSockets blocked, answers streamed',
  buffers: 'WebSockets blocked, answers held back up to 64 kB',
}

describe.each(Object.keys(WAYS) as Blocked[])('pages whose WebSockets are blocked, by a proxy that %s', (blocked) => {
  it('F27 lose and repeat nothing while half of the connections are cut every 400 ms', async () => {
    const outcome = await run({
      blocked,
      relay: createRelayHere(),
      seconds: byLength(3, 60),
      faults: (model) => cutConnections(model, 400),
    })
    await recordRun(`F27-${blocked}`, `${WAYS[blocked]}; half of the connections cut every 400 ms`, outcome, 0)
    expect(wrongIn(outcome, 0)).toEqual({})
  })

  it('F28 lose and repeat nothing while connections are cut and the relay is killed', async () => {
    const outcome = await run({
      blocked,
      relay: createRelayProcess(['--rate', '0']),
      seconds: byLength(3, 60),
      faults: async (model) => {
        await Promise.all([cutConnections(model, 700), killRelay(model, 1500)])
      },
    })
    const gapsExpected = (outcome.faults.kills ?? 0) * MEMBERSHIPS
    const title = `${WAYS[blocked]}; connections cut every 700 ms, relay killed 1.5 s after everybody is back`
    await recordRun(`F28-${blocked}`, title, outcome, gapsExpected)
    expect(wrongIn(outcome, gapsExpected)).toEqual({})
    expect(gapsExpected).toBeGreaterThan(0)
  })

  it('F29 notice connections that swallow everything, and lose nothing', async () => {
    const outcome = await run({
      blocked,
      relay: createRelayHere({ beat: 1000 }),
      seconds: byLength(5, 60),
      rate: 200,
      faults: (model) => digHoles(model, 3000),
    })
    await recordRun(`F29-${blocked}`, `${WAYS[blocked]}; connections that swallow everything for 1.5 s`, outcome, 0)
    expect(wrongIn(outcome, 0)).toEqual({})
  })
})

describeRedis('pages whose WebSockets are blocked, with two relays on a Redis', () => {
  it('F30 lose and repeat nothing while the relays are killed in turn and answer for each other', async () => {
    const { wrong, faults } = await runOnRedis('F30', `Redis, 2 relays, one killed in turn; ${WAYS.streams}`, {
      blocked: 'streams',
      seconds: byLength(5, 60),
      faults: (model) => killRelays(model, 1500),
    })
    expect(wrong).toEqual({})
    expect(faults['relay kills']).toBeGreaterThan(0)
  })
})
