import type { RedisServer } from '../relay/redis-server.js'
import { createRelayProcess, type RelayProcess, type RelayUnderTest } from './relay-under-test.js'

/** Several relays on one Redis. Whoever connects gets the next of those that are up, as behind any balancer. */
export interface Fleet extends RelayUnderTest {
  readonly redis: RedisServer
  readonly relays: readonly RelayProcess[]
  /** Kills the Redis, does something to what it has written, and starts it again. */
  restartRedis(meanwhile?: () => Promise<void>): Promise<void>
}

export interface FleetOptions {
  readonly redis: RedisServer
  readonly size: number
  /** Where the relays find Redis, when not at its own port. */
  readonly through?: () => number
}

export function createFleet({ redis, size, through = () => redis.port }: FleetOptions): Fleet {
  const relays: RelayProcess[] = []
  let turn = 0
  let runNumber = 0

  const ports = (): number[] => relays.flatMap(({ port }) => (port === undefined ? [] : [port]))

  async function stop(): Promise<void> {
    await Promise.all(relays.map((relay) => relay.kill()))
    await redis.remove()
  }

  return {
    redis,
    relays,
    get port() {
      const up = ports()
      turn += 1
      return up[turn % up.length]
    },
    get ports() {
      return ports()
    },
    get runNumber() {
      return runNumber
    },
    async start() {
      runNumber += 1
      await redis.start()
      // The log keeps all of a run, so that whoever was away for long still finds everything.
      const args = [
        '--redis',
        `redis://127.0.0.1:${through()}`,
        '--history',
        '1000000',
        '--history-bytes',
        '0',
        '--rate',
        '0',
      ]
      for (let count = relays.length; count < size; count += 1) relays.push(createRelayProcess(args))
      await Promise.all(relays.map((relay) => relay.start()))
    },
    async restartRedis(meanwhile) {
      await redis.kill()
      await meanwhile?.()
      runNumber += 1
      await redis.start()
    },
    kill: stop,
    stop,
  }
}
