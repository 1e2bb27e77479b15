import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { appendOne } from './append-one.js'
import { connect, join, startRelay } from './protocol-client.js'
import { startCluster } from './redis-cluster.js'
import { describeRedis, KEEPS, startRedis, type RedisServer } from './redis-server.js'

const KEY = 'the-key-of-the-operator'
const LONG = 120_000
const WAITING = { timeout: 20_000, interval: 50 }
const README = readFileSync(joinPath(import.meta.dirname, '../../examples/relay/README.md'), 'utf8')

/** The command of the README, without its name. */
const RULES = /^ACL SETUSER signalpost (.+)$/m.exec(README)?.[1]?.split(' ') ?? []
const COMMANDS = RULES.filter((rule) => rule.startsWith('+') && rule !== '+client|setname')

async function allow(redis: RedisServer, ...rules: readonly string[]): Promise<string> {
  await redis.ask('ACL', 'SETUSER', 'signalpost', 'reset', ...rules)
  return redis.url.replace('//', '//signalpost:secret@')
}

function publisher(page: string) {
  return (data: unknown) =>
    fetch(`${page}publish`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json', 'Idempotency-Key': `${data}` },
      body: JSON.stringify({ signal: 'Saved', data }),
    })
}

/** Uses everything that the relay does with Redis, on two relays. Returns what the last step, a revocation, gives. */
async function useAll(redis: string, options: RelayOptions = {}): Promise<unknown> {
  const settings: RelayOptions = {
    redis,
    dashboardKey: KEY,
    revokeKey: [KEY],
    publishKey: [{ name: 'shop', secret: KEY }],
    authorize: (token) => ({ user: token, issued: 1 }),
    history: 4,
    historyMs: 2000,
    historyBytes: 1000,
    ...options,
  }
  const [one, two] = [await startRelay(settings), await startRelay(settings)]
  const page = await connect(two.url, { token: 'ann' })
  await page.next('joined')
  const publish = publisher(one.page)
  for (let data = 1; data <= 12; data += 1) expect((await publish(data)).status).toBe(200)
  expect((await publish(1)).status).toBe(200)
  await page.heard(12)
  const late = await connect(two.url, { token: 'ben', rooms: [{ room: 'main', since: { age: 1000 } }] })
  await late.next('joined')
  const revoked = await fetch(`${one.page}revoke`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: 'ann' }),
  })
  return [revoked.status, (await page.closed).code]
}

const DONE = [200, 4401]

describeRedis('a user of Redis with the rights of the README', () => {
  it('suffices for all that a relay does', { timeout: LONG }, async () => {
    const redis = await startRedis()
    expect(await useAll(await allow(redis, ...RULES))).toEqual(DONE)
    expect(await redis.ask('ACL', 'LOG')).toEqual([])
  })

  it.each([
    ['another database', ['+select'], '/3', {}],
    ['--durability disk', ['+config|get'], '', { durability: 'disk' } as const],
  ])('suffices with the addition for %s', { timeout: LONG }, async (_name, more, path, options) => {
    const redis = await startRedis(KEEPS.everything)
    expect(await useAll((await allow(redis, ...RULES, ...more)) + path, options)).toEqual(DONE)
  })

  it('suffices with the addition for --durability replica', { timeout: LONG }, async () => {
    const redis = await startRedis([...KEEPS.nothing, '--repl-diskless-sync-delay', '0'])
    await startRedis([...KEEPS.nothing, '--replicaof', '127.0.0.1', String(redis.port)])
    await vi.waitFor(
      async () => expect(String(await redis.ask('INFO', 'replication'))).toContain('state=online'),
      WAITING,
    )
    expect(await useAll(await allow(redis, ...RULES, '+wait'), { durability: 'replica' })).toEqual(DONE)
  })

  it('has none to spare: without any of them the relay names it', { timeout: LONG }, async () => {
    const redis = await startRedis()
    expect(COMMANDS.length).toBeGreaterThan(15)
    for (const right of [...COMMANDS, '~signalpost:*', '&signalpost:*']) {
      const url = await allow(redis, ...RULES.filter((rule) => rule !== right))
      const lacking = new RegExp(`\\. Run ACL SETUSER for this user with [^.]*${right.replaceAll(/[+*&]/g, '\\$&')}`)
      await expect(startRelay({ redis: url })).rejects.toThrow(lacking)
    }
  })

  it.each([
    ['+wait', 'replica'],
    ['+config', 'disk'],
  ] as const)('names %s for --durability %s', async (right, durability) => {
    const redis = await startRedis(KEEPS.everything)
    const url = await allow(redis, ...RULES)
    await expect(startRelay({ redis: url, durability })).rejects.toThrow(right)
  })
})

describeRedis('sites on one Redis', () => {
  const signals = async (redis: string, prefixes: readonly string[]) => {
    const publishKey = [{ name: 'shop', secret: KEY }]
    const relays = await Promise.all(
      prefixes.map((redisPrefix) => startRelay({ redis, publishKey, redisPrefix, dashboardKey: KEY })),
    )
    const pages = await Promise.all(relays.map(({ url }) => join(url)))
    // One idempotency key for all: the ids are the same, and each site has to log its own.
    for (const { page } of relays) expect((await publisher(page)(1)).status).toBe(200)
    for (const page of pages) await page.heard(1)
    for (const page of pages) await page.level()
    return pages.map((page) => page.signals().map(({ offset }) => offset))
  }

  it('share nothing with different prefixes, and everything with the same', { timeout: LONG }, async () => {
    const redis = await startRedis()
    expect(await signals(redis.url, ['', 'a:', 'b'])).toEqual([[1], [1], [1]])
    const names = String(await redis.ask('KEYS', '*')).split(',')
    for (const prefix of ['', 'a:', 'b']) expect(names).toContain(`${prefix}signalpost:{main}:log`)
    expect(names.filter((name) => !/^(a:|b|)signalpost:/.test(name))).toEqual([])
    expect(await signals(redis.url, ['c', 'c'])).toEqual([[1], [1]])
  })

  it('are separate for the user of one of them', { timeout: LONG }, async () => {
    const redis = await startRedis()
    const rules = RULES.map((rule) => rule.replace(/^([~&])/, '$1a:'))
    const url = await allow(redis, ...rules)
    expect(await useAll(url, { redisPrefix: 'a:' })).toEqual(DONE)
    await expect(startRelay({ redis: url })).rejects.toThrow('with ~signalpost:* &signalpost:*')
  })

  it('keep the keys of a room on one node of a cluster, with the rights of the README', { timeout: LONG }, async () => {
    const nodes = await startCluster()
    for (const node of nodes) await allow(node, ...RULES, '~a:signalpost:*', '&a:signalpost:*', '+cluster')
    const url = `redis+cluster://signalpost:secret@127.0.0.1:${nodes[0]?.port}`
    const logs = ['', 'a:'].map((prefix) => createRedisLog({ url, prefix }))
    for (const log of logs) {
      onTestFinished(() => log.close())
      await log.open()
    }
    for (const [index, log] of logs.entries()) {
      for (const room of ['x', 'y', 'z']) {
        const entry = { room, id: 'same', prefix: `{"id":"${index}"`, digest: `${index}` }
        expect(await appendOne(log, entry)).toBe('logged')
        expect(await appendOne(log, entry)).toBe('known')
        expect((await log.read(room, 0, 10)).entries).toHaveLength(1)
      }
    }
  })

  it.each(['a{b}', 'a*', 'a b', 'x'.repeat(65)])('cannot have the prefix %s', async (redisPrefix) => {
    await expect(startRelay({ redis: 'redis://127.0.0.1', redisPrefix })).rejects.toThrow(
      'redisPrefix must be up to 64 letters',
    )
    await expect(startRelay({ redisPrefix: 'a:' })).rejects.toThrow('--redis-prefix needs --redis')
  })
})
