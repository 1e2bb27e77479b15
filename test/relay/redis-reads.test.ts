import { expect, it, onTestFinished, vi } from 'vitest'
import type { Entry } from '../../examples/relay/signal-log/log.js'
import { createRedisLog, type RedisLogOptions } from '../../examples/relay/signal-log/redis/log.js'
import { createChance } from '../faults/chance.js'
import { startProxy } from '../faults/proxy.js'
import { appendOne } from './append-one.js'
import { connect, join, startRelay } from './protocol-client.js'
import { describeRedis, startRedis, type RedisServer } from './redis-server.js'

const WAITING = { timeout: 20_000, interval: 20 }
const LONG = 60_000
const PAGE = 262_144

async function openLog(url: string, options: Omit<RedisLogOptions, 'url'> = {}) {
  const news: string[] = []
  const log = createRedisLog({ url, onHealth: (health) => news.push(health), ...options })
  onTestFinished(() => log.close())
  await log.open()
  let made = 0
  /** Logs so many signals of so many bytes. */
  async function fill(room: string, count: number, size: number): Promise<void> {
    for (let done = 0; done < count; done += 1) {
      made += 1
      const id = `id-${made}`
      await appendOne(log, { room, id, prefix: `{"type":"signal","id":"${id}","data":"${'x'.repeat(size)}"` })
    }
  }
  return { log, news, fill }
}

const offsetsOf = (entries: readonly Entry[]): number[] => entries.map(({ offset }) => offset)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** How many scripts were run so far. */
async function scripts(redis: RedisServer): Promise<number> {
  const text = String(await redis.ask('INFO', 'commandstats'))
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0)
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describeRedis('a page that is read from Redis', () => {
  it('ends where it is large, and holds one entry however large that is', async () => {
    const redis = await startRedis()
    const { log, fill } = await openLog(redis.url)
    await fill('main', 20, 60_000)
    const first = await log.read('main', 0, 256)
    expect(offsetsOf(first.entries)).toEqual(range(1, 5))
    expect(first).toMatchObject({ floor: 0, head: 20 })
    expect(offsetsOf((await log.read('main', 5, 3)).entries)).toEqual([6, 7, 8])
    await fill('main', 1, 3 * PAGE)
    expect(offsetsOf((await log.read('main', 20, 256)).entries)).toEqual([21])
    await fill('small', 300, 10)
    expect(offsetsOf((await log.read('small', 0, 256)).entries)).toEqual(range(1, 256))
    expect(offsetsOf((await log.read('small', 290, 256)).entries)).toEqual(range(291, 300))
  })

  it('is read once for all who ask for it while it waits or is on its way', async () => {
    const redis = await startRedis()
    const { log, fill } = await openLog(redis.url)
    onTestFinished(log.subscribe('main', () => {}))
    await fill('main', 20, 100)
    await log.read('main', 'end', 1)
    await vi.waitFor(async () => expect(offsetsOf((await log.read('main', 19, 1)).entries)).toEqual([20]), WAITING)
    const before = await scripts(redis)
    redis.freeze(true)
    const asked = []
    for (let count = 0; count < 50; count += 1) {
      asked.push(log.read('main', 0, 256))
      await nextTurn()
    }
    redis.freeze(false)
    const tails = await Promise.all(asked)
    expect(new Set(tails).size).toBe(1)
    expect((await scripts(redis)) - before).toBe(1)
  })

  it('is asked for anew by whoever comes after something was told that it may not hold', async () => {
    const redis = await startRedis()
    const other = await openLog(redis.url)
    const { log, fill } = await openLog(redis.url)
    const told: (number | undefined)[] = []
    onTestFinished(log.subscribe('main', (_epoch, entry) => told.push(entry?.offset)))
    await log.read('main', 'end', 1)
    for (let count = 1; count <= 50; count += 1) {
      const early = log.read('main', 0, 256)
      await Promise.all([fill('main', 1, 10), other.fill(`other-${count}`, 1, 10)])
      await vi.waitFor(() => expect(told.at(-1)).toBe(count), WAITING)
      const late = await log.read('main', 0, 256)
      await early
      expect(late.head).toBe(count)
    }
  })
})

describeRedis('a relay on Redis whose members read much', () => {
  it('goes on for everybody else, loses nothing, and is not away', { timeout: 120_000 }, async () => {
    const redis = await startRedis()
    const { log, news, fill } = await openLog(redis.url, { historyBytes: 100_000_000 })
    const { url } = await startRelay({ log: { ...log, open: async () => {} } })
    await fill('main', 100, 60_000)
    const [bystander, first] = [await join(url, 'side'), await connect(url, { rooms: [] })]
    first.say({ type: 'join', room: 'main' })
    const { epoch } = await first.next('joined')
    const since = { epoch, offset: 1, id: 'id-1' }
    const pages = await Promise.all(
      Array.from({ length: 30 }, () => connect(url, { rooms: [{ room: 'main', since }] })),
    )
    const sent: string[] = []
    const state = { isOver: false }
    const live = (async () => {
      while (!state.isOver) {
        sent.push(bystander.signal('Saved', null, 'side'))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    for (const page of pages) {
      const heard = await page.heard(99)
      expect(heard.map(({ offset }) => offset)).toEqual(range(2, 100))
    }
    state.isOver = true
    await live
    expect((await bystander.heard(sent.length)).map(({ id }) => id)).toEqual(sent)
    expect(news).toEqual([])
  })

  it('is not away when only its reading has trouble', { timeout: LONG }, async () => {
    const redis = await startRedis()
    const proxy = await startProxy({ target: () => redis.port, chance: createChance(1) })
    onTestFinished(() => proxy.close())
    const { log, news, fill } = await openLog(`redis://127.0.0.1:${proxy.port}`)
    await fill('main', 3, 10)
    // The one that was opened first is the one that reads.
    const [reading] = proxy.connections
    reading?.stall()
    await expect(log.read('main', 0, 10)).rejects.toThrow(/timed? ?out|closed/i)
    await fill('main', 1, 10)
    await vi.waitFor(async () => expect(offsetsOf((await log.read('main', 0, 10)).entries)).toEqual([1, 2, 3, 4]), {
      ...WAITING,
      interval: 500,
    })
    expect(proxy.arrivals).toHaveLength(4)
    expect([news, log.health]).toEqual([[], 'ready'])
    reading?.heal()
  })
})

describeRedis('what is kept of a room in Redis', () => {
  it('is the newest bytes, and what was dropped is told', async () => {
    const redis = await startRedis()
    const { log, fill } = await openLog(redis.url, { historyBytes: 1_000_000 })
    await fill('main', 200, 20_000)
    const { epoch, floor, floorId, head, entries } = await log.read('main', 0, 256)
    expect([head, floorId]).toEqual([200, `id-${floor}`])
    expect(entries[0]?.offset).toBe(floor + 1)
    // An eighth is dropped in advance, and one entry may be too many.
    expect((head - floor) * 20_000).toBeGreaterThan(800_000)
    expect((head - floor) * 20_000).toBeLessThanOrEqual(1_000_000)
    expect(Number(await redis.ask('MEMORY', 'USAGE', 'signalpost:{main}:log'))).toBeLessThan(1_300_000)
    expect(await log.find('main', 3_600_000)).toMatchObject({ after: floor })
    const { url } = await startRelay({ log: { ...log, open: async () => {} } })
    const page = await connect(url, { rooms: [{ room: 'main', since: { epoch, offset: 1, id: 'id-1' } }] })
    expect(await page.next('gap')).toMatchObject({ reason: 'trimmed', from: 1, offset: floor })
    await page.heard(head - floor)
  })

  it('is the newest signal at least, and small ones are counted too', async () => {
    const redis = await startRedis()
    const { log, fill } = await openLog(redis.url, { historyBytes: 100_000, history: 100_000 })
    await fill('main', 3, 200_000)
    expect(await log.read('main', 0, 10)).toMatchObject({ floor: 2, head: 3, entries: [{ offset: 3 }] })
    await fill('main', 3000, 10)
    const { floor } = await log.read('main', 0, 1)
    expect((3003 - floor) * 50).toBeGreaterThan(80_000)
    expect((3003 - floor) * 50).toBeLessThanOrEqual(160_000)
  })

  it('is everything where no bytes are counted, and nothing is dropped that fits', async () => {
    const redis = await startRedis()
    const { log, fill } = await openLog(redis.url, { historyBytes: Number.POSITIVE_INFINITY })
    await fill('main', 100, 60_000)
    expect(await log.read('main', 0, 1)).toMatchObject({ floor: 0, head: 100 })
    const bounded = await openLog(redis.url, { history: 10 })
    await bounded.fill('few', 500, 20_000)
    expect(await bounded.log.read('few', 0, 1)).toMatchObject({ floor: 490, head: 500 })
  })

  it('is less, and for a shorter time, while Redis is more than half full', { timeout: LONG }, async () => {
    const redis = await startRedis(['--save', '', '--maxmemory', '64mb'])
    const { log, news, fill } = await openLog(redis.url)
    const lives = async (room: string): Promise<number> => Number(await redis.ask('PTTL', `signalpost:{${room}}:log`))
    await fill('early', 1, 2000)
    expect(await lives('early')).toBeGreaterThan(500_000)
    // As a page that sends as much as it can does, to one room after the other.
    for (let room = 0; room < 40; room += 1) await fill(`room-${room}`, 20, 60_000)
    await fill('late', 1, 2000)
    await fill('late', 1, 10)
    expect(await lives('late')).toBeLessThanOrEqual(37_500)
    await fill('early', 1, 2000)
    expect(await lives('early')).toBeLessThanOrEqual(37_500)
    const { head, floor } = await log.read('room-39', 0, 1)
    expect((head - floor) * 60_000).toBeLessThanOrEqual(262_144)
    expect(news).toEqual([])
    await redis.ask('CONFIG', 'SET', 'maxmemory', '0')
    await fill('late', 1, 2000)
    expect(await lives('late')).toBeGreaterThan(500_000)
  })
})
