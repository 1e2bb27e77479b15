import { KEEPS, createRedisServer } from '../relay/redis-server.js'
import { createChance } from './chance.js'
import { startNotificationProxy } from './notification-proxy.js'
import { wrongIn } from './expectations.js'
import { createFleet, type Fleet } from './redis-fleet.js'
import { createRedisObserver } from './redis-observer.js'
import { MEMBERSHIPS } from './relay-kills.js'
import { recordRun } from './results.js'
import { SEED } from './run-length.js'
import { ROOMS, run, type Scenario, type Model } from './scenario.js'
import { pause } from './waiting.js'

/** What a fault can do to relays on a Redis. */
export interface RedisModel extends Model {
  readonly fleet: Fleet
  /** Kills Redis, does something to what it has written, starts it, and waits until everybody was told. */
  restartRedis(meanwhile?: () => Promise<void>): Promise<void>
}

export interface RedisScenario extends Omit<Scenario, 'relay' | 'observer' | 'faults'> {
  /** How many relays there are. @default 2 */
  readonly relays?: number
  /** What Redis keeps over a restart. @default 'nothing' */
  readonly keeps?: keyof typeof KEEPS
  /** The share of notifications that nobody hears. @default 0 */
  readonly dropRate?: number
  readonly faults?: (model: RedisModel) => Promise<void>
}

export interface RedisOutcome {
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>
  /** All that is not as it has to be; empty when everything is. */
  readonly wrong: Readonly<Record<string, unknown>>
}

/** Runs a scenario with relays on a Redis of their own. Every restart of it has to be told once per receiver and room. */
export async function runOnRedis(id: string, title: string, scenario: RedisScenario): Promise<RedisOutcome> {
  const { relays = 2, keeps = 'nothing', dropRate = 0, faults, ...rest } = scenario
  const redis = await createRedisServer(KEEPS[keeps])
  const notifications =
    dropRate > 0 ? await startNotificationProxy(() => redis.port, dropRate, createChance(SEED)) : undefined
  const fleet = createFleet({ redis, size: relays, ...(notifications && { through: () => notifications.port }) })
  const observer = createRedisObserver(ROOMS, redis.port, () => fleet.runNumber)

  async function act(model: Model): Promise<void> {
    await faults?.({
      ...model,
      fleet,
      async restartRedis(meanwhile) {
        await fleet.restartRedis(meanwhile)
        await observer.watch(redis.port, fleet.runNumber)
        model.note('Redis restarts')
        await model.allBack()
      },
    })
  }

  const outcome = await run({ ...rest, relay: fleet, observer, faults: act })
  await notifications?.close()
  const gaps = (outcome.faults['Redis restarts'] ?? 0) * MEMBERSHIPS
  await recordRun(id, title, outcome, gaps, notifications ? `${notifications.dropped} notifications dropped` : '')
  return {
    faults: { ...outcome.faults, ...(notifications && { 'dropped notifications': notifications.dropped }) },
    wrong: {
      // Members that are connected are told of a gap without having asked.
      ...wrongIn({ ...outcome, gapsOwed: outcome.GAPS }, gaps),
      ...(keeps === 'everything' && outcome.COVERED > 0 && { COVERED: outcome.COVERED }),
    },
  }
}

/** Kills one relay after the other, so many milliseconds after everybody was back. */
export async function killRelays({ fleet, isOver, note, allBack }: RedisModel, every: number): Promise<void> {
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

/** Kills a relay every so many milliseconds, and Redis after some of them: no relay starts without its Redis. */
export async function killInTurn(model: RedisModel, every: number, relaysPerRedis: number): Promise<void> {
  const { fleet, isOver, note, restartRedis } = model
  for (let turn = 1; ; turn += 1) {
    await pause(every)
    if (isOver()) return
    const relay = fleet.relays[turn % fleet.relays.length]
    await relay?.kill()
    note('relay kills')
    await relay?.start()
    if (turn % relaysPerRedis === 0) await restartRedis()
  }
}

/** Lines that swallow everything for half of the time. */
export async function digHoles({ proxy, chance, isOver, note }: Model, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every / 2)
    const connections = chance.some(proxy.connections, 0.3)
    for (const connection of connections) connection.stall()
    note('holes', connections.length)
    await pause(every / 2)
    for (const connection of connections) connection.heal()
  }
}
