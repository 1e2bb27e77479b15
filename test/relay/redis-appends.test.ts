import { ReplyError } from 'ioredis'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { AppendResult, NewEntry } from '../../examples/relay/signal-log/log.js'
import { createAppendQueue } from '../../examples/relay/signal-log/redis/append-queue.js'
import { createRedisLog, type RedisLogOptions } from '../../examples/relay/signal-log/redis/log.js'
import { SenderEpochs } from '../../examples/relay/signal-log/sender-epochs.js'
import { startNotificationProxy } from '../faults/notification-proxy.js'
import { describeRedis, startRedis, type RedisServer } from './redis-server.js'

const WAITING = { timeout: 20_000, interval: 20 }

async function openLog(url: string, options: Omit<RedisLogOptions, 'url'> = {}) {
  const log = createRedisLog({ url, ...options })
  onTestFinished(() => log.close())
  await log.open()
  return log
}

/** Follows a room, and gives the offsets and ids of what it hears. */
async function follow(url: string, room = 'main') {
  const log = await openLog(url)
  const heard: [number | undefined, string | undefined][] = []
  onTestFinished(log.subscribe(room, (_epoch, entry) => heard.push([entry?.offset, entry?.id])))
  await log.read(room, 'end', 1)
  return heard
}

const entryOf = (id: string, { room = 'main', size = 0, ...rest }: Partial<NewEntry> & { size?: number } = {}) => ({
  room,
  id,
  prefix: `{"type":"signal","id":"${id}","data":"${'x'.repeat(size)}"`,
  ...rest,
})
const entriesOf = (name: string, count: number, size = 0): NewEntry[] =>
  Array.from({ length: count }, (_, index) => entryOf(`${name}-${index + 1}`, { size }))
const numbered = (entries: readonly NewEntry[]) => entries.map(({ id }, index) => [index + 1, id])

/** How often Redis was called so far. */
async function calls(redis: RedisServer, command: string): Promise<number> {
  const text = String(await redis.ask('INFO', 'commandstats'))
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0)
}

async function callsDuring(redis: RedisServer, command: string, work: () => Promise<unknown>): Promise<number> {
  const before = await calls(redis, command)
  await work()
  return (await calls(redis, command)) - before
}

describeRedis('what is appended to Redis in one turn of the event loop', () => {
  it('is one call and one notification for each room, however many senders there are', async () => {
    const redis = await startRedis()
    const log = await openLog(redis.url)
    const heard = await follow(redis.url)
    const lists = Array.from({ length: 10 }, (_, sender) => entriesOf(`sender-${sender}`, 10))
    const other = entryOf('elsewhere', { room: 'other' })
    const published = await calls(redis, 'publish')
    const scripts = await callsDuring(redis, 'evalsha', async () => {
      await Promise.all([...lists, [other]].map((entries) => log.append(entries)))
      await vi.waitFor(() => expect(heard).toEqual(numbered(lists.flat())), WAITING)
    })
    // The receiver reads nothing: it has the entries from the notification.
    expect(scripts).toBe(2)
    expect((await calls(redis, 'publish')) - published).toBe(2)
    expect((await log.read('main', 0, 256)).entries.map(({ offset, id }) => [offset, id])).toEqual(
      numbered(lists.flat()),
    )
  })

  it('has an answer for each sender, and for each of its signals', async () => {
    const redis = await startRedis()
    const log = await openLog(redis.url)
    const { epoch } = await log.read('main', 'end', 1)
    const [same, changed] = [new SenderEpochs(), new SenderEpochs()]
    same.record('main', epoch)
    changed.record('main', 'another')
    await log.append([entryOf('old')])
    const results = await Promise.allSettled([
      log.append([entryOf('a'), entryOf('old'), entryOf('a')]),
      log.append([entryOf('old', { epochs: changed }), entryOf('b', { epochs: changed })]),
      log.append([entryOf('old', { epochs: changed })]),
      log.append([entryOf('a', { epochs: same }), entryOf('c', { epochs: same })]),
    ])
    const answers = results.map((result): readonly AppendResult[] | string =>
      result.status === 'fulfilled' ? result.value : Reflect.get(result.reason as object, 'name'),
    )
    expect(answers).toEqual([['logged', 'known', 'known'], 'EpochChanged', ['known'], ['known', 'logged']])
    const { entries } = await log.read('main', 0, 10)
    expect(entries.map(({ offset, id }) => [offset, id])).toEqual([
      [1, 'old'],
      [2, 'a'],
      [3, 'c'],
    ])
  })

  it('has its conflicts beside what is logged', async () => {
    const redis = await startRedis()
    const log = await openLog(redis.url)
    await log.append([entryOf('a', { digest: 'one' })])
    const list = ['a', 'b', 'c'].map((id) => entryOf(id, { digest: id === 'a' ? 'two' : 'one' }))
    expect(await log.append(list)).toEqual(['conflict', 'logged', 'logged'])
    expect(await log.append(list.slice(0, 1))).toEqual(['conflict'])
  })

  it('is several calls when there is much of it, which never part the signals of one sender', async () => {
    const redis = await startRedis()
    const log = await openLog(redis.url)
    const appendAll = (lists: readonly NewEntry[][]) => () =>
      Promise.all(lists.map(async (entries) => log.append(entries)))
    const many = Array.from({ length: 10 }, (_, sender) => entriesOf(`many-${sender}`, 100))
    expect(await callsDuring(redis, 'evalsha', appendAll(many))).toBe(5)
    const large = Array.from({ length: 10 }, (_, sender) => entriesOf(`large-${sender}`, 1, 60_000))
    expect(await callsDuring(redis, 'evalsha', appendAll(large))).toBe(3)
    expect(await callsDuring(redis, 'evalsha', appendAll([entriesOf('one', 10, 60_000)]))).toBe(1)
    expect((await log.read('main', 'end', 1)).head).toBe(1020)
  })

  it('is trimmed once, to the signals and bytes that are kept', async () => {
    const redis = await startRedis()
    const log = await openLog(redis.url, { history: 50, historyBytes: 20_000 })
    const few = await callsDuring(redis, 'xtrim', () => log.append(entriesOf('small', 200)))
    expect(few).toBe(1)
    expect(await log.read('main', 0, 256)).toMatchObject({ floor: 150, floorId: 'small-150', head: 200 })
    expect(await redis.ask('XLEN', 'signalpost:{main}:log')).toBe(51)
    await log.append(entriesOf('large', 40, 1000))
    const { floor, head, entries } = await log.read('main', 0, 256)
    expect(entries).toHaveLength(head - floor)
    expect((head - floor) * 1000).toBeLessThanOrEqual(20_000)
    expect((head - floor) * 1000).toBeGreaterThan(14_000)
  })

  it('reaches receivers by way of the log when a notification is lost, or would be too large', async () => {
    const redis = await startRedis()
    const loss = { next: () => 1 }
    const proxy = await startNotificationProxy(
      () => redis.port,
      0.5,
      loss as Parameters<typeof startNotificationProxy>[2],
    )
    onTestFinished(() => proxy.close())
    const log = await openLog(redis.url)
    const heard = await follow(`redis://127.0.0.1:${proxy.port}`)
    loss.next = () => 0
    const lists = [entriesOf('lost', 3), entriesOf('next', 2), entriesOf('large', 20, 60_000)]
    await log.append(lists[0] ?? [])
    await vi.waitFor(() => expect(proxy.dropped).toBe(1), WAITING)
    loss.next = () => 1
    await log.append(lists[1] ?? [])
    await vi.waitFor(() => expect(heard).toEqual(numbered(lists.slice(0, 2).flat())), WAITING)
    await log.append(lists[2] ?? [])
    await vi.waitFor(() => expect(heard).toEqual(numbered(lists.flat())), WAITING)
  })
})

it('signals of one turn are called for one by one when Redis refuses them together, but not when it is away', async () => {
  const called: string[][] = []
  let isAway = false
  const queue = createAppendQueue(async (_room, groups) => {
    const ids = groups.flatMap(({ entries }) => entries.map(({ id }) => id))
    called.push(ids)
    if (isAway) throw new Error('Connection is closed.')
    if (ids.includes('large')) throw new ReplyError('OOM command not allowed')
    return { epoch: 'one', results: ids.map(() => 'logged' as const) }
  })
  const appendAll = (...lists: string[][]) =>
    Promise.allSettled(lists.map((ids) => queue.append(ids.map((id) => entryOf(id)))))
  const together = await appendAll(['a'], ['b', 'large'], ['c'])
  expect(together.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(called.splice(0)).toEqual([['a', 'b', 'large', 'c'], ['a'], ['b', 'large'], ['c']])
  isAway = true
  const away = await appendAll(['a'], ['b'])
  expect(away.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(called).toEqual([['a', 'b']])
})
