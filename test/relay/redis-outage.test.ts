import { expect, it, onTestFinished, vi } from 'vitest'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import type { RedisLogOptions } from '../../examples/relay/signal-log/redis/log.js'
import { createChance } from '../faults/chance.js'
import { startProxy } from '../faults/proxy.js'
import { connect, join, pageId, startRelay, type ProtocolClient } from './protocol-client.js'
import { bringBackAnOlderState } from './redis-rollback.js'
import { describeRedis, KEEPS, startRedis } from './redis-server.js'

const WAITING = { timeout: 20_000, interval: 20 }
const LONG = 60_000

/** A relay on a Redis, and what it says about the health of that. */
async function relayOn(
  url: string,
  { patience: retryFor, ...rest }: Omit<RedisLogOptions, 'url'> & { patience?: number } = {},
) {
  const news: string[] = []
  const log = createRedisLog({ url, onHealth: (health) => news.push(health), ...rest })
  const relay = await startRelay({
    log,
    publishKey: [{ name: 'shop', secret: 'a-secret-of-the-shop' }],
    ...(retryFor !== undefined && { retryFor }),
  })
  return { ...relay, log, news }
}

function publish(port: number, data: unknown) {
  return fetch(`http://127.0.0.1:${port}/publish`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-secret-of-the-shop', 'content-type': 'application/json' },
    body: JSON.stringify({ signal: 'Saved', data }),
  })
}

function told(client: ProtocolClient): unknown[] {
  return client.frames.flatMap((frame): unknown[] => {
    if (frame.type === 'gap') return [`gap ${frame.reason}`]
    return frame.type === 'signal' ? [frame.data] : []
  })
}

const accepted = (client: ProtocolClient): string[] =>
  client.frames.flatMap((frame) => (frame.type === 'accepted' ? frame.ids : []))

describeRedis('a relay that loses its Redis', () => {
  it('accepts nothing while Redis is away, tells one gap when it is back empty, and goes on', async () => {
    const redis = await startRedis(KEEPS.nothing)
    const { url, port, log, news } = await relayOn(redis.url)
    const readiness = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/ready`)).status
    const pages = [await join(url), await join(url)] as const
    pages[0].signal('Saved', 1)
    await Promise.all(pages.map((page) => page.heard(1)))
    await redis.kill()
    await vi.waitFor(() => expect(log.health).toBe('away'), WAITING)
    const id = pages[0].signal('Saved', 2)
    await pages[1].level()
    expect(accepted(pages[0])).not.toContain(id)
    expect(await readiness()).toBe(503)
    await redis.start()
    await vi.waitFor(() => expect(accepted(pages[0])).toContain(id), WAITING)
    await vi.waitFor(() => expect(log.health).toBe('ready'), WAITING)
    await Promise.all(pages.map((page) => page.heard(2)))
    for (const page of pages) expect(told(page)).toEqual([1, 'gap epoch', 2])
    expect(await readiness()).toBe(200)
    expect(news).toEqual(['away', 'ready'])
  })

  it('P6.13 keeps the order of each sender when the log loses what is not accepted yet', async () => {
    const redis = await startRedis(KEEPS.nothing)
    const { url, log } = await relayOn(redis.url)
    const page = await join(url)
    const ids = Array.from({ length: 5 }, pageId)
    const send = (client: ProtocolClient, from: number, to: number, isFirst: boolean) => {
      for (const id of ids.slice(from, to)) {
        const isPipelined = !(isFirst && id === ids[from])
        client.say({ type: 'signal', id, signal: 'Saved', ...(isPipelined && { pipelined: true }) })
      }
    }
    send(page, 0, 3, true)
    await page.heard(3)
    await redis.kill()
    await vi.waitFor(() => expect(log.health).toBe('away'), WAITING)
    await redis.start()
    await vi.waitFor(() => expect(log.health).toBe('ready'), WAITING)
    send(page, 3, 5, false)
    expect(await page.next('goodbye')).toMatchObject({ reason: 'log', retryAfter: expect.any(Number) })
    expect(await page.closed).toEqual({ code: 4503, reason: 'the log began a new epoch' })
    // The client that reads may still connect.
    const read = () => vi.waitFor(() => log.read('main', 0, 10), WAITING)
    expect((await read()).entries).toEqual([])
    // No answer reached the page: it sends all five again.
    const back = await join(url)
    send(back, 0, 5, true)
    await vi.waitFor(() => expect(accepted(back)).toEqual(ids), WAITING)
    expect((await read()).entries.map((entry) => entry.id)).toEqual(ids)
    expect(back.signals().map(({ id }) => id)).toEqual(ids)
  })

  it('closes with 4503, and answers posts with 503, when Redis stays away', async () => {
    const redis = await startRedis()
    const { url, port } = await relayOn(redis.url, { patience: 200 })
    const page = await join(url)
    const quiet = await join(url)
    await redis.kill()
    page.signal('Saved', 1)
    expect(await page.closed).toEqual({ code: 4503, reason: 'the log is unavailable' })
    const answer = await publish(port, 1)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    // Whoever says nothing stays where it is, and hears on.
    await redis.start()
    await vi.waitFor(async () => expect((await publish(port, 2)).status).toBe(200), WAITING)
    await quiet.heard(1)
    expect(told(quiet)).toEqual(['gap epoch', 2])
  })

  it('begins a new epoch with a Redis that restarted with all its data, replays nothing twice, and knows old ids', async () => {
    const redis = await startRedis(KEEPS.everything)
    const { url } = await relayOn(redis.url)
    const page = await join(url)
    const ids = [1, 2, 3].map((data) => page.signal('Saved', data))
    await page.heard(3)
    await redis.kill()
    await redis.start()
    const gap = await page.next('gap')
    expect(gap).toMatchObject({ reason: 'epoch', from: 3, offset: 3, id: ids[2] })
    page.say({ type: 'signal', id: ids[1], signal: 'Saved', data: 2 })
    page.signal('Saved', 4)
    await page.heard(4)
    expect(told(page)).toEqual([1, 2, 3, 'gap epoch', 4])
  })

  it('F12 tells a receiver that was away of exactly one gap when Redis came back with an older state', async () => {
    expect(await bringBackAnOlderState()).toEqual({ gaps: 2, published: 50 })
  })

  it('tells members of a flushed Redis without being asked, and pages that come now', { timeout: LONG }, async () => {
    const redis = await startRedis()
    const { url } = await relayOn(redis.url)
    const member = await join(url)
    member.signal('Saved', 1)
    await member.heard(1)
    await redis.ask('FLUSHALL')
    expect(await member.next('gap')).toMatchObject({ reason: 'epoch', from: 1, offset: 0 })
    const fresh = await connect(url, { rooms: [{ room: 'other', since: { age: 60_000 } }] })
    expect(await fresh.next('gap')).toMatchObject({ reason: 'epoch' })
  })

  it('misses nothing when its connections to Redis are cut', async () => {
    const redis = await startRedis()
    const relays = [await relayOn(redis.url), await relayOn(redis.url)]
    const [sender, receiver] = await Promise.all(relays.map(({ url }) => join(url)))
    for (let count = 1; count <= 60; count++) {
      sender?.signal('Saved', count)
      if (count % 20 === 0) await redis.ask('CLIENT', 'KILL', 'TYPE', count % 40 === 0 ? 'normal' : 'pubsub')
    }
    await sender?.heard(60)
    await receiver?.heard(60)
    for (const page of [sender, receiver]) {
      expect(page && told(page)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
    }
  })

  it('waits for a Redis that stands still, for long or short, and loses nothing', { timeout: LONG }, async () => {
    const redis = await startRedis([...KEEPS.nothing, '--enable-debug-command', 'yes'])
    const { url, log } = await relayOn(redis.url)
    const page = await join(url)
    await redis.ask('DEBUG', 'SLEEP', 0.5)
    page.signal('Saved', 1)
    await page.heard(1)
    redis.freeze(true)
    const id = page.signal('Saved', 2)
    await vi.waitFor(() => expect(log.health).toBe('away'), WAITING)
    expect(accepted(page)).not.toContain(id)
    redis.freeze(false)
    await vi.waitFor(() => expect(accepted(page)).toContain(id), WAITING)
    await vi.waitFor(() => expect(log.health).toBe('ready'), WAITING)
    page.signal('Saved', 3)
    await page.heard(3)
    expect(told(page)).toEqual([1, 2, 3])
  })

  it('polls while its subscription connection is dead, and opens another', { timeout: LONG }, async () => {
    const redis = await startRedis()
    const proxy = await startProxy({ target: () => redis.port, chance: createChance(1) })
    onTestFinished(() => proxy.close())
    const near = await relayOn(redis.url)
    const far = await relayOn(`redis://127.0.0.1:${proxy.port}`)
    const [sender, receiver] = [await join(near.url), await join(far.url)]
    // The one that was opened last is the one that listens.
    const dead = [...proxy.connections].at(-1)
    dead?.stall()
    sender.signal('Saved', 1)
    await receiver.heard(1)
    await vi.waitFor(() => expect(proxy.arrivals).toHaveLength(4), WAITING)
    await vi.waitFor(() => expect(far.log.health).toBe('ready'), WAITING)
    expect(far.news).toEqual(['away', 'ready'])
    sender.signal('Saved', 2)
    await receiver.heard(2)
    expect(told(receiver)).toEqual([1, 2])
    dead?.heal()
  })

  it.each([
    ['is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], []],
    ['is made a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'], ['gap epoch']],
    [
      'wants replicas',
      ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
      ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
      [],
    ],
  ])('accepts nothing from a Redis that %s, until that is over', async (_name, trouble, repair, gaps) => {
    const redis = await startRedis()
    const { url, log } = await relayOn(redis.url)
    const page = await join(url)
    page.signal('Saved', 1)
    await page.heard(1)
    const [first = '', ...rest] = trouble
    await redis.ask(first, ...rest)
    const id = page.signal('Saved', 2)
    await vi.waitFor(() => expect(log.health).toBe('away'), WAITING)
    expect(accepted(page)).not.toContain(id)
    const [second = '', ...others] = repair
    await redis.ask(second, ...others)
    await page.heard(2)
    await vi.waitFor(() => expect(log.health).toBe('ready'), WAITING)
    expect(told(page)).toEqual([1, ...gaps, 2])
  })
})
