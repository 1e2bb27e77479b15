import { expect, it, onTestFinished, vi } from 'vitest'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import type { Durability } from '../../examples/relay/signal-log/log.js'
import { appendOne } from './append-one.js'
import { describeRedis, KEEPS, startRedis, type RedisServer } from './redis-server.js'

const WAITING = { timeout: 20_000, interval: 50 }

async function openLog(url: string, durability: Durability) {
  const log = createRedisLog({ url, durability })
  onTestFinished(() => log.close())
  await log.open()
  return { log, add: (id: string) => appendOne(log, { room: 'main', id, prefix: `{"id":"${id}"` }) }
}

async function startReplicaOf(primary: RedisServer) {
  const replica = await startRedis([
    ...KEEPS.nothing,
    '--replicaof',
    '127.0.0.1',
    String(primary.port),
    '--repl-diskless-sync-delay',
    '0',
  ])
  await vi.waitFor(async () => expect(String(await replica.ask('ROLE'))).toContain('connected'), WAITING)
  await vi.waitFor(
    async () => expect(String(await primary.ask('INFO', 'replication'))).toContain('state=online'),
    WAITING,
  )
  return replica
}

describeRedis('what an acceptance waits for', () => {
  it('replica: it is accepted when a replica has it, and not before', { timeout: 60_000 }, async () => {
    const primary = await startRedis([...KEEPS.nothing, '--repl-diskless-sync-delay', '0'])
    const replica = await startReplicaOf(primary)
    const { log, add } = await openLog(primary.url, 'replica')
    expect(await add('a')).toBe('logged')
    expect(await replica.ask('XLEN', 'signalpost:{main}:log')).toBe(1)
    replica.freeze(true)
    await expect(add('b')).rejects.toThrow('no replica has confirmed the write')
    // It is in the log, and it is known; that is still not enough, on any connection that asks again.
    await expect(add('b')).rejects.toThrow('no replica has confirmed the write')
    await primary.ask('CLIENT', 'KILL', 'TYPE', 'normal')
    await vi.waitFor(() => expect(log.health).toBe('away'), WAITING)
    await expect(vi.waitFor(() => add('b'), { timeout: 5000, interval: 50 })).rejects.toThrow(
      /not confirmed|WAITAOF|no replica|away|connection|line|closed|writeable/,
    )
    replica.freeze(false)
    await vi.waitFor(async () => expect(await add('b')).toBe('known'), WAITING)
    expect(await replica.ask('XLEN', 'signalpost:{main}:log')).toBe(2)
    await vi.waitFor(() => expect(log.health).toBe('ready'), WAITING)
  })

  it('replica: an id that is known is written again, because a wait covers only the writes of its own connection', async () => {
    const quiet = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '3600']
    const primary = await startRedis([...KEEPS.nothing, ...quiet])
    await startReplicaOf(primary)
    const { add } = await openLog(primary.url, 'memory')
    const writtenBytes = async (): Promise<number> =>
      Number(/master_repl_offset:(\d+)/.exec(String(await primary.ask('INFO', 'replication')))?.[1])
    await add('a')
    const before = await writtenBytes()
    expect(await add('a')).toBe('known')
    expect(await writtenBytes()).toBeGreaterThan(before)
  })

  it('replica: many wait together', async () => {
    const primary = await startRedis([...KEEPS.nothing, '--repl-diskless-sync-delay', '0'])
    const replica = await startReplicaOf(primary)
    const { log, add } = await openLog(primary.url, 'replica')
    const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => add(`${index}`)))
    expect(new Set(answers)).toEqual(new Set(['logged']))
    expect(await replica.ask('XLEN', 'signalpost:{main}:log')).toBe(300)
    expect((await log.read('main', 'end', 1)).head).toBe(300)
  })

  it('disk: what is accepted is there after the death of a Redis that syncs always', async () => {
    const redis = await startRedis(KEEPS.everything)
    const { add } = await openLog(redis.url, 'disk')
    expect(await add('a')).toBe('logged')
    await redis.kill()
    await redis.start()
    await vi.waitFor(async () => expect(await add('a')).toBe('known'), WAITING)
  })

  it('disk: nothing is accepted any more when Redis came back without syncing always', async () => {
    const redis = await startRedis(KEEPS.everything)
    const { log, add } = await openLog(redis.url, 'disk')
    await add('a')
    await redis.ask('CONFIG', 'SET', 'appendfsync', 'everysec')
    await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal')
    await vi.waitFor(() => expect(log.health).toBe('away'), WAITING)
    await expect(vi.waitFor(() => add('b'), { timeout: 1000, interval: 50 })).rejects.toThrow(
      /not confirmed|WAITAOF|no replica|away|connection|line|closed|writeable/,
    )
    await redis.ask('CONFIG', 'SET', 'appendfsync', 'always')
    await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal')
    await vi.waitFor(async () => expect(await add('b')).toBe('known'), WAITING)
  })
})
