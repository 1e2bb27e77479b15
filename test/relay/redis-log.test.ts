import { afterAll, beforeAll } from 'vitest'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import { itKeepsTheContract } from './log-contract.js'
import { createRedisServer, describeRedis, type RedisServer } from './redis-server.js'

describeRedis('the log in Redis', () => {
  let redis: RedisServer | undefined
  let rooms = 0

  beforeAll(async () => {
    redis = await createRedisServer()
    await redis.start()
  })
  afterAll(() => redis?.remove())

  itKeepsTheContract(async (bounds) => {
    // A database of its own for each test.
    rooms = (rooms + 1) % 16
    await redis?.ask('FLUSHALL')
    return createRedisLog({ url: `${redis?.url}/${rooms}`, ...bounds })
  })
})
