import { afterAll, beforeAll } from 'vitest'
import { connect, join, startRelay } from './protocol-client.js'
import { checkProtocol } from './protocol/suite.js'
import { createRedisServer, describeRedis, KEEPS, type RedisServer } from './redis-server.js'

describeRedis('two relays on one Redis, each page on the next of them', () => {
  let redis: RedisServer | undefined
  let database = 0

  beforeAll(async () => {
    redis = await createRedisServer([...KEEPS.nothing, '--databases', '1000'])
    await redis.start()
  })
  afterAll(() => redis?.remove())

  checkProtocol(async () => {
    database += 1
    const options = { redis: `${redis?.url}/${database}` }
    const relays = [await startRelay(options), await startRelay(options)] as const
    let turn = 0
    const next = (): string => relays[turn++ % 2 === 0 ? 0 : 1].url
    return {
      connect: (how) => connect(next(), how),
      join: (...rooms) => join(next(), ...rooms),
    }
  }, true)
})
