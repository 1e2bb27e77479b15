import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createRedisServer, describeRedis, KEEPS } from '../relay/redis-server.js'
import { createChance } from './chance.js'
import { cutLines } from './cuts.js'
import { startDoorbellProxy } from './doorbell-proxy.js'
import { wrongIn } from './expectations.js'
import { createFleet, type Fleet } from './redis-fleet.js'
import { createRedisWitness } from './redis-witness.js'
import { removeBundle } from './relay-under-test.js'
import { recordRun } from './results.js'
import { byLength, SEED } from './run-length.js'
import { ROOMS, run, type Outcome, type Scenario, type World } from './scenario.js'
import { pause } from './waiting.js'

afterAll(removeBundle)

const MEMBERSHIPS = 6 * ROOMS.length

/** What a fault can do to relays on a Redis. */
interface RedisWorld extends World {
  readonly fleet: Fleet
  /** Kills Redis, does something to what it has written, starts it, and waits until everybody was told. */
  restartRedis(meanwhile?: () => Promise<void>): Promise<void>
}

interface RedisScenario extends Omit<Scenario, 'relay' | 'witness' | 'faults'> {
  /** How many relays there are. @default 2 */
  readonly relays?: number
  readonly keeps?: readonly string[]
  /** The share of doorbells that nobody hears. @default 0 */
  readonly deafness?: number
  readonly faults: (world: RedisWorld) => Promise<void>
}

/** Runs a scenario with relays on a Redis of their own. Every restart of it has to be told once per receiver and room. */
async function runOnRedis(id: string, title: string, scenario: RedisScenario): Promise<Outcome> {
  const { relays = 2, keeps = KEEPS.nothing, deafness = 0, faults, ...rest } = scenario
  const redis = await createRedisServer(keeps)
  const bells = deafness > 0 ? await startDoorbellProxy(() => redis.port, deafness, createChance(SEED)) : undefined
  const fleet = createFleet({ redis, size: relays, ...(bells && { through: () => bells.port }) })
  const witness = createRedisWitness(ROOMS, redis.port, () => fleet.life)
  const outcome = await run({
    ...rest,
    relay: fleet,
    witness,
    faults: (world) =>
      faults({
        ...world,
        fleet,
        async restartRedis(meanwhile) {
          await fleet.restartRedis(meanwhile)
          await witness.watch(redis.port, fleet.life)
          world.note('Redis restarts')
          await world.allBack()
        },
      }),
  })
  await bells?.close()
  const gaps = (outcome.faults['Redis restarts'] ?? 0) * MEMBERSHIPS
  await recordRun(id, title, outcome, gaps, bells ? `${bells.dropped} doorbells dropped` : '')
  // Members that are connected are told of a gap without having asked.
  expect(wrongIn({ ...outcome, gapsOwed: outcome.GAPS }, gaps)).toEqual({})
  if (bells) expect(bells.dropped).toBeGreaterThan(0)
  return outcome
}

/** Kills one relay after the other, so many milliseconds after everybody was back. */
async function killRelays({ fleet, isOver, note, allBack }: RedisWorld, every: number): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    await pause(every)
    if (isOver()) return
    const relay = fleet.relays[turn % fleet.relays.length]
    await relay?.kill()
    note('relay kills')
    await relay?.start()
    await allBack()
  }
}

/** Restarts Redis so many times, and publishes before, between and after. */
async function restartOften(
  { restartRedis }: RedisWorld,
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
  const [name = ''] = (await readdir(files)).filter((file) => file.endsWith('.incr.aof'))
  const { size } = await stat(join(files, name))
  await truncate(join(files, name), Math.max(0, size - bytes))
}

describeRedis('relays on a Redis', () => {
  it('F02 lose and repeat nothing while half of the lines are cut, on two relays', async () => {
    await runOnRedis('F02a', 'Redis, 2 relays; half of the lines cut every 400 ms', {
      seconds: byLength(4, 60),
      faults: (world) => cutLines(world, 400),
    })
  })

  it('F02 lose and repeat nothing while lines are cut and 30 % of the doorbells are not heard', async () => {
    await runOnRedis('F02b', 'Redis, 2 relays; 30 % of the doorbells dropped, half of the lines cut every 300 ms', {
      seconds: byLength(4, 60),
      deafness: 0.3,
      faults: (world) => cutLines(world, 300),
    })
  })

  it('F03 lose and repeat nothing while one relay after the other is killed, and tell of no gap', async () => {
    const { faults } = await runOnRedis('F03r', 'Redis, 2 relays; one of them killed 1.5 s after everybody is back', {
      seconds: byLength(4, 60),
      faults: (world) => killRelays(world, 1500),
    })
    expect(faults['relay kills']).toBeGreaterThan(0)
  })

  it('F07 lose nothing when 20 % of the doorbells are not heard', async () => {
    await runOnRedis('F07', 'Redis, 3 relays; 20 % of the doorbells dropped', {
      relays: 3,
      seconds: byLength(3, 60),
      deafness: 0.2,
      faults: async () => {},
    })
  })

  it.each([
    ['F08', 'everything'],
    ['F09', 'the last second excepted'],
    ['F10', 'nothing'],
  ] as const)('%s tell of one gap per receiver and room when a Redis that keeps %s is killed', async (id, kept) => {
    const times = byLength(1, 3)
    const { faults, COVERED } = await runOnRedis(id, `Redis killed and started again; it keeps ${kept}`, {
      seconds: byLength(3, 15),
      keeps: KEEPS[kept],
      faults: (world) => restartOften(world, times),
    })
    expect(faults['Redis restarts']).toBe(times)
    if (kept === 'everything') expect(COVERED).toBe(0)
  })

  it('F11 tell of one gap per receiver and room when Redis comes back without the end of its file', async () => {
    const times = byLength(1, 3)
    const { faults } = await runOnRedis('F11', 'Redis killed, 300 kB cut off its file; 30 % of the doorbells dropped', {
      seconds: byLength(3, 15),
      keeps: KEEPS['the last second excepted'],
      deafness: 0.3,
      faults: (world) => restartOften(world, times, () => cutFile(world.fleet.redis.folder, 300_000)),
    })
    expect(faults['Redis restarts']).toBe(times)
  })

  it('F15 lose and repeat nothing in a storm of all of it', async () => {
    for (let storm = 1; storm <= byLength(1, 5); storm += 1) {
      const title = 'storm: cuts 700 ms, relay kill 3 s, Redis kill 7 s, holes 4 s; 2 relays, file synced each second'
      const { faults } = await runOnRedis(`F15-${storm}`, title, {
        seconds: byLength(7, 60),
        keeps: KEEPS['the last second excepted'],
        faults: async (world) => {
          await Promise.all([cutLines(world, 700), digHoles(world, 4000), killInTurn(world)])
        },
      })
      expect(faults['Redis restarts']).toBeGreaterThan(0)
    }
  })

  it('F23 lose nothing and tell of no gap when three relays are restarted one after the other', async () => {
    const restarts = byLength(1, 20)
    const plans: number[] = []
    await runOnRedis('F23', 'Redis, 3 relays, asked to end and started again one after the other', {
      relays: 3,
      seconds: byLength(2, 20),
      returns: 'by itself',
      faults: async ({ fleet, pages, note, allBack }) => {
        for (let turn = 0; turn < restarts; turn += 1) {
          const leftAt = Date.now()
          const offs = pages.map(({ client }) =>
            client.onStatus((status) => {
              if (status.state === 'waiting') plans.push(status.retryAt - leftAt)
            }),
          )
          const relay = fleet.relays[turn % fleet.relays.length]
          await relay?.leave()
          note('restarts')
          await relay?.start()
          await allBack()
          for (const off of offs) off()
        }
      },
    })
    expect(plans.length).toBeGreaterThan(0)
    // A few pages may all draw early; of many, some draw late.
    if (restarts > 1) expect(Math.max(...plans) - Math.min(...plans)).toBeGreaterThan(3000)
  })
})

/** Relays and Redis die in turn: a relay does not start without its Redis. */
async function killInTurn({ fleet, isOver, note, restartRedis }: RedisWorld): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    await pause(3000)
    if (isOver()) return
    const relay = fleet.relays[turn % fleet.relays.length]
    await relay?.kill()
    note('relay kills')
    await relay?.start()
    if (turn % byLength(1, 2) === 0) await restartRedis()
  }
}

/** Lines that swallow everything for a while. */
async function digHoles({ proxy, chance, isOver, note }: RedisWorld, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every / 2)
    const lines = chance.some(proxy.lines, 0.3)
    for (const line of lines) line.stall()
    note('holes', lines.length)
    await pause(every / 2)
    for (const line of lines) line.heal()
  }
}
