import { expect, it, onTestFinished, vi } from 'vitest'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import { createSilentLogger } from '../../examples/relay/logger.js'
import { join, startRelay, type ProtocolClient } from './protocol-client.js'
import { startCluster } from './redis-cluster.js'
import { describeRedis, KEEPS, startRedis, type RedisServer } from './redis-server.js'

const WAITING = { timeout: 40_000, interval: 50 }

function told(client: ProtocolClient, room: string): unknown[] {
  return client.frames.flatMap((frame): unknown[] => {
    if (frame.type === 'gap' && frame.room === room) return [`gap ${frame.reason}`]
    return frame.type === 'signal' && frame.room === room ? [frame.data] : []
  })
}

function startSentinel(port: number): Promise<RedisServer> {
  const lines = [`monitor shop 127.0.0.1 ${port} 1`, 'down-after-milliseconds shop 1000', 'failover-timeout shop 5000']
  return startRedis(['--sentinel'], lines.map((line) => `sentinel ${line}\n`).join(''))
}

describeRedis('relays on a cluster', () => {
  it('use all of its nodes, and go on when one of them dies and returns', { timeout: 120_000 }, async () => {
    const nodes = await startCluster()
    const redis = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
    const warnings: string[] = []
    const logger = { ...createSilentLogger(), warn: (_fields: unknown, text: string) => void warnings.push(text) }
    const relays = [await startRelay({ redis, logger }), await startRelay({ redis })]
    const rooms = Array.from({ length: 12 }, (_, index) => `room-${index}`)
    const [sender, receiver] = await Promise.all(relays.map(({ url }) => join(url, ...rooms)))
    if (!sender || !receiver) throw new Error('Two relays have two pages.')
    for (const data of [1, 2, 3]) for (const room of rooms) sender.signal('Saved', data, room)
    await receiver.heard(36)
    for (const room of rooms) expect(told(receiver, room)).toEqual([1, 2, 3])
    const counts = await Promise.all(nodes.map((node) => node.ask('DBSIZE')))
    for (const count of counts) expect(count).toBeGreaterThan(0)

    const [dying] = nodes
    const lost = new Set(String(await dying?.ask('KEYS', 'signalpost:*:log')).match(/room-\d+/g))
    const stays = rooms.filter((room) => !lost.has(room))
    await dying?.kill()
    for (const room of stays) sender.signal('Saved', 4, room)
    await receiver.heard(36 + stays.length)
    for (const room of lost) sender.signal('Saved', 4, room)
    await vi.waitFor(() => expect(warnings).toContainEqual(expect.stringContaining('but some commands fail')), WAITING)
    // A balancer would take all relays away from the rooms that are well.
    expect(warnings).not.toContainEqual(expect.stringContaining('no signal is accepted'))
    await dying?.start()
    await receiver.heard(48)
    for (const room of stays) expect(told(receiver, room)).toEqual([1, 2, 3, 4])
    for (const room of lost) expect(told(receiver, room)).toEqual([1, 2, 3, 'gap epoch', 4])
  })
})

describeRedis('a log on a cluster', () => {
  it('reads from other nodes while one stands still', { timeout: 120_000 }, async () => {
    const nodes = await startCluster()
    const log = createRedisLog({ url: `redis+cluster://127.0.0.1:${nodes[1]?.port}` })
    onTestFinished(() => log.close())
    await log.open()
    const rooms = Array.from({ length: 40 }, (_, index) => `room-${index}`)
    for (const room of rooms) await log.read(room, 'end', 1)
    const [still] = nodes
    const held = new Set(String(await still?.ask('KEYS', 'signalpost:*:room')).match(/room-\d+/g))
    expect(held.size).toBeGreaterThan(3)
    still?.freeze(true)
    const order: string[] = []
    const waiting = [...held].map((room) => log.read(room, 0, 1).then(...bothWays(() => order.push('held up'))))
    const others = rooms.filter((room) => !held.has(room))
    await Promise.all(others.map((room) => log.read(room, 0, 1).then(() => order.push('read'))))
    expect(order).toEqual(others.map(() => 'read'))
    still?.freeze(false)
    await Promise.all(waiting)
  })
})

function bothWays(tell: () => void): [() => void, () => void] {
  return [tell, tell]
}

describeRedis('relays that ask Sentinels', () => {
  it('follow to the replica that takes over', { timeout: 60_000 }, async () => {
    const primary = await startRedis([...KEEPS.nothing, '--repl-diskless-sync-delay', '0'])
    const replica = await startRedis([...KEEPS.nothing, '--replicaof', '127.0.0.1', String(primary.port)])
    await vi.waitFor(async () => expect(String(await replica.ask('ROLE'))).toContain('connected'), WAITING)
    const sentinel = await startSentinel(primary.port)
    const redis = `redis+sentinel://127.0.0.1:${sentinel.port}/shop`
    const relays = [await startRelay({ redis }), await startRelay({ redis })]
    const [sender, receiver] = await Promise.all(relays.map(({ url }) => join(url)))
    if (!sender || !receiver) throw new Error('Two relays have two pages.')
    for (const data of [1, 2, 3]) sender.signal('Saved', data)
    await receiver.heard(3)
    await vi.waitFor(async () => expect(await replica.ask('XLEN', 'signalpost:{main}:log')).toBe(3), WAITING)
    await vi.waitFor(
      async () => expect(String(await sentinel.ask('SENTINEL', 'replicas', 'shop'))).toContain(`${replica.port}`),
      WAITING,
    )
    await primary.kill()
    sender.signal('Saved', 4)
    await receiver.heard(4)
    expect(told(receiver, 'main')).toEqual([1, 2, 3, 'gap epoch', 4])
    expect(String(await replica.ask('ROLE'))).toContain('master')
  })
})
