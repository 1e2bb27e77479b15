import { expect, it, vi } from 'vitest'
import { failureReason } from '../../examples/relay/signal-log/failure-reason.js'
import { createFailedAppends } from '../../examples/relay/signal-log/redis/failed-appends.js'
import { createSilentLogger } from '../../examples/relay/logger.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { join, startRelay } from './protocol-client.js'
import { describeRedis, startRedis, type RedisServer } from './redis-server.js'

const KEY = 'the-key-of-the-operator'
const WAITING = { timeout: 20_000, interval: 50 }
const LONG = 60_000

/** A relay with its log, and with what it tells operators. */
async function startWatched(redis: string, options: RelayOptions = {}) {
  const reasons: string[] = []
  const warn = (fields: object): void => void reasons.push(String(Reflect.get(fields, 'reason')))
  const relay = await startRelay({ redis, dashboardKey: KEY, logger: { ...createSilentLogger(), warn }, ...options })
  const isReady = async (): Promise<boolean> => (await fetch(`${relay.page}ready`)).ok
  const failures = async (reason: string): Promise<number> => {
    const answer = await fetch(`${relay.page}metrics`, { headers: { Authorization: `Bearer ${KEY}` } })
    const line = new RegExp(String.raw`^signalpost_append_failures_total\{reason="${reason}"\} (\d+)$`, 'm')
    return Number(line.exec(await answer.text())?.[1] ?? 0)
  }
  return { ...relay, reasons, isReady, failures }
}

async function writtenProbes(redis: RedisServer): Promise<number> {
  return Number(/cmdstat_set:calls=(\d+)/.exec(String(await redis.ask('INFO', 'commandstats')))?.[1] ?? 0)
}

async function usedMemory(redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.ask('INFO', 'memory')))?.[1])
}

it('a failed append counts until it succeeds or for ten seconds, and among several servers only without a success', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  const [one, several] = [createFailedAppends(false), createFailedAppends(true)]
  for (const appends of [one, several]) appends.fail('a')
  expect([one.isHolding, several.isHolding]).toEqual([true, true])
  for (const appends of [one, several]) appends.succeed('b')
  expect([one.isHolding, several.isHolding]).toEqual([true, false])
  clock.mockReturnValue(10_000)
  expect(one.isHolding).toBe(true)
  clock.mockReturnValue(10_001)
  expect(one.isHolding).toBe(false)
  one.fail('a')
  one.succeed('a')
  expect(one.isHolding).toBe(false)
})

it.each([
  ["OOM command not allowed when used memory > 'maxmemory'. script: 1a, on @user_script:96.", 'OOM'],
  ['ERR Error running script (call to f_1a): @user_script:96: @user_script: 96: -OOM command not allowed', 'OOM'],
  ["ERR The user executing the script can't run this command or subcommand script: 1a, on @user_script:1.", 'NOPERM'],
  ['ERR ACL failure in script: User relay has no permissions to run the xadd command script: 1a', 'NOPERM'],
  ["NOPERM this user has no permissions to run the 'get' command", 'NOPERM'],
  ['ERR unknown command', 'ERR'],
  ['Command timed out', 'timeout'],
  ['no replica has confirmed the write', 'no-replica'],
  ['the disk has not confirmed the write', 'no-disk'],
  ['connect ECONNREFUSED 127.0.0.1:6379', 'connection'],
  ['Connection is closed.', 'connection'],
])('%s counts as %s', (text, reason) => {
  expect(failureReason(new Error(text))).toBe(reason)
})

describeRedis('a relay on a Redis that refuses signals', () => {
  it('is not ready although Redis takes small writes, until it takes the signal', { timeout: LONG }, async () => {
    const redis = await startRedis()
    const { url, isReady, reasons, failures } = await startWatched(redis.url, { dashboardKey: KEY })
    const page = await join(url)
    // A signal of 60 kB finds no room, and the text of a probe does.
    await redis.ask('CONFIG', 'SET', 'maxmemory', (await usedMemory(redis)) + 30_000)
    page.signal('Big', 'x'.repeat(60_000))
    await vi.waitFor(async () => expect(await isReady()).toBe(false), WAITING)
    const before = await writtenProbes(redis)
    const seen: boolean[] = []
    await vi.waitFor(async () => {
      seen.push(await isReady())
      expect(await writtenProbes(redis)).toBeGreaterThan(before + 4)
    }, WAITING)
    expect(new Set(seen)).toEqual(new Set([false]))
    expect(reasons.join('\n')).toMatch(/^OOM command not allowed/)
    expect(await failures('OOM')).toBeGreaterThan(0)
    await redis.ask('CONFIG', 'SET', 'maxmemory', 0)
    await page.heard(1)
    await vi.waitFor(async () => expect(await isReady()).toBe(true), WAITING)
  })

  it.each<[string, (redis: RedisServer) => Promise<unknown>]>([
    ['OOM', (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', 1)],
    ['NOREPLICAS', (redis) => redis.ask('CONFIG', 'SET', 'min-replicas-to-write', 1)],
    ['READONLY', (redis) => redis.ask('REPLICAOF', '127.0.0.1', 1)],
    ['NOPERM the user lacks +xadd', (redis) => redis.ask('ACL', 'SETUSER', 'relay', '-xadd')],
    [
      'MISCONF',
      async (redis) => {
        await redis.ask('CONFIG', 'SET', 'save', '3600 1')
        // Redis stays in its folder, which is removed: it cannot save there.
        await redis.erase()
        await redis.ask('BGSAVE')
      },
    ],
    [
      'WRONGPASS',
      async (redis) => {
        await redis.ask('ACL', 'SETUSER', 'relay', 'resetpass', '>another')
        await redis.ask('CLIENT', 'KILL', 'USER', 'relay')
      },
    ],
  ])('logs the reason of Redis: %s', { timeout: LONG }, async (code, spoil) => {
    const redis = await startRedis()
    await redis.ask('ACL', 'SETUSER', 'relay', 'on', '>s3cret', 'allkeys', 'allchannels', '+@all')
    const { url, reasons, isReady } = await startWatched(redis.url.replace('//', '//relay:s3cret@'))
    const page = await join(url)
    await spoil(redis)
    page.signal('Saved', 1)
    await vi.waitFor(() => expect(reasons.filter((reason) => reason.startsWith(code))).toHaveLength(1), WAITING)
    expect(await isReady()).toBe(false)
  })
})
