import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { describeRedis } from '../relay/redis-server.js'
import { cutConnections } from './cuts.js'
import { digHoles, killInTurn, killRelays, runOnRedis, type RedisModel } from './redis-scenario.js'
import { removeBundle } from './relay-under-test.js'
import { byLength } from './run-length.js'
import { pause } from './waiting.js'

afterAll(removeBundle)

/** Restarts Redis so many times, while signals are published before, between and after. */
async function restartOften(
  { restartRedis }: RedisModel,
  times: number,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await pause(1500)
    await restartRedis(meanwhile)
  }
}

/** Cuts the end off what Redis has appended to its file, as a machine does that loses its power. */
async function cutFile(folder: string, bytes: number): Promise<void> {
  const files = join(folder, 'appendonlydir')
  const name = (await readdir(files)).find((file) => file.endsWith('.incr.aof')) ?? ''
  const { size } = await stat(join(files, name))
  await truncate(join(files, name), Math.max(0, size - bytes))
}

/** Notes when pages plan to come back, in milliseconds after this, until it is stopped. */
function notePlans({ pages }: RedisModel, plans: number[]): () => void {
  const from = Date.now()
  const offs = pages.map(({ client }) =>
    client.onStatus((status) => {
      if (status.state === 'waiting') plans.push(status.retryAt - from)
    }),
  )
  return () => {
    for (const off of offs) off()
  }
}

describeRedis('relays on a Redis', () => {
  it('F02 lose and repeat nothing while half of the connections are cut, on two relays', async () => {
    const { wrong } = await runOnRedis('F02a', 'Redis, 2 relays; half of the connections cut every 400 ms', {
      seconds: byLength(4, 60),
      faults: (model) => cutConnections(model, 400),
    })
    expect(wrong).toEqual({})
  })

  it('F02 lose and repeat nothing while connections are cut and 30 % of the notifications are lost', async () => {
    const title = 'Redis, 2 relays; 30 % of the notifications dropped, half of the connections cut every 300 ms'
    const { wrong, faults } = await runOnRedis('F02b', title, {
      seconds: byLength(4, 60),
      dropRate: 0.3,
      faults: (model) => cutConnections(model, 300),
    })
    expect(wrong).toEqual({})
    expect(faults['dropped notifications']).toBeGreaterThan(0)
  })

  it('F03 lose and repeat nothing while one relay after the other is killed, and tell of no gap', async () => {
    const { wrong, faults } = await runOnRedis('F03r', 'Redis, 2 relays; one killed 1.5 s after everybody is back', {
      seconds: byLength(4, 60),
      faults: (model) => killRelays(model, 1500),
    })
    expect(wrong).toEqual({})
    expect(faults['relay kills']).toBeGreaterThan(0)
  })

  it('F07 lose nothing when 20 % of the notifications are lost', async () => {
    const { wrong, faults } = await runOnRedis('F07', 'Redis, 3 relays; 20 % of the notifications dropped', {
      relays: 3,
      seconds: byLength(3, 60),
      dropRate: 0.2,
    })
    expect(wrong).toEqual({})
    expect(faults['dropped notifications']).toBeGreaterThan(0)
  })

  it.each([
    ['F08', 'everything'],
    ['F09', 'the last second excepted'],
    ['F10', 'nothing'],
  ] as const)('%s tell of one gap per receiver and room when a Redis that keeps %s is killed', async (id, keeps) => {
    const times = byLength(1, 3)
    const { wrong, faults } = await runOnRedis(id, `Redis killed and started again; it keeps ${keeps}`, {
      seconds: byLength(3, 15),
      keeps,
      faults: (model) => restartOften(model, times),
    })
    expect(wrong).toEqual({})
    expect(faults['Redis restarts']).toBe(times)
  })

  it('F11 tell of one gap per receiver and room when Redis comes back without the end of its file', async () => {
    const times = byLength(1, 3)
    const title = 'Redis killed, 300 kB cut off its file, started again; 30 % of the notifications dropped'
    const { wrong, faults } = await runOnRedis('F11', title, {
      seconds: byLength(3, 15),
      keeps: 'the last second excepted',
      dropRate: 0.3,
      faults: (model) => restartOften(model, times, () => cutFile(model.fleet.redis.folder, 300_000)),
    })
    expect(wrong).toEqual({})
    expect(faults['Redis restarts']).toBe(times)
  })

  it.each(byLength([1], [1, 2, 3, 4, 5]))('F15 lose and repeat nothing in storm %i of all of it', async (storm) => {
    const title =
      'storm: cuts 700 ms, a relay killed 3 s, Redis killed 7 s, holes 4 s; 2 relays, file synced each second'
    const { wrong, faults } = await runOnRedis(`F15-${storm}`, title, {
      seconds: byLength(7, 60),
      keeps: 'the last second excepted',
      faults: async (model) => {
        await Promise.all([cutConnections(model, 700), digHoles(model, 4000), killInTurn(model, 3000, byLength(1, 2))])
      },
    })
    expect(wrong).toEqual({})
    expect(faults['Redis restarts']).toBeGreaterThan(0)
  })

  it('F23 lose nothing and tell of no gap when three relays are restarted one after the other', async () => {
    // In a short run each of them once: every page is sent away from one of them.
    const restarts = byLength(3, 20)
    const plans: number[] = []
    const { wrong } = await runOnRedis('F23', 'Redis, 3 relays, asked to end and started again one after the other', {
      relays: 3,
      seconds: byLength(2, 20),
      returns: 'by itself',
      faults: async (model) => {
        const { fleet, note, allBack } = model
        for (let turn = 0; turn < restarts; turn += 1) {
          const stopNoting = notePlans(model, plans)
          const relay = fleet.relays[turn % fleet.relays.length]
          await relay?.leave()
          note('restarts')
          await relay?.start()
          await allBack()
          stopNoting()
        }
      },
    })
    expect(wrong).toEqual({})
    // Each of the few pages of a relay has a slot of its own in 1 second. One relay has 3 pages or more: between the first
    // slot and the last one lies a whole one.
    expect(plans.length).toBeGreaterThanOrEqual(byLength(8, 50))
    expect(Math.max(...plans) - Math.min(...plans)).toBeGreaterThan(300)
  })
})
