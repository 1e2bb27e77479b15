import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SignalLog } from '../../examples/relay/signal-log/log.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import { appendOne } from './append-one.js'
import { createLatch } from './latch.js'
import { connect, startRelay } from './protocol-client.js'
import { describeRedis, startRedis } from './redis-server.js'

const LONG = 120_000

/** Rooms to ask for; a thousand of them are a hello of nearly 64 kB. */
const listOf = (count: number, name = (index: number) => `room:${index}`) =>
  Array.from({ length: count }, (_, index) => ({ room: name(index), since: { epoch: 'e', offset: index } }))

/** A log in memory that tells which rooms were read. */
function createCountedLog() {
  const inner = createMemoryLog()
  const reads: string[] = []
  const log: SignalLog = {
    ...inner,
    read(...asked) {
      reads.push(asked[0])
      return inner.read(...asked)
    },
  }
  return { log, reads }
}

describe('a hello', () => {
  it.each([
    ['rooms', (index: number) => `room:${index}`],
    ['one room again and again', () => 'main'],
    ['bad names', (index: number) => `?${index}`],
  ])('S73 of 64 kB that lists %s costs no read of the log and one answer', async (_what, name) => {
    const { log, reads } = createCountedLog()
    const { url } = await startRelay({ log })
    const page = await connect(url, { rooms: listOf(1000, name) })
    expect((await page.closed).code).toBe(4400)
    expect([reads, page.frames]).toEqual([[], []])
  })

  it('S73 costs one read for each room that it names, and none for those that are too many', async () => {
    const { log, reads } = createCountedLog()
    const { url } = await startRelay({ log, maxRooms: 3, rate: 0 })
    const page = await connect(url, { rooms: listOf(256, (index) => `room:${index % 8}`) })
    await page.level()
    expect(reads).toEqual(['room:0', 'room:1', 'room:2'])
    const refused = page.frames.filter(({ type }) => type === 'refused')
    expect(refused.slice(0, -1)).toMatchObject(
      [3, 4, 5, 6, 7].map((index) => ({ room: `room:${index}`, code: 'too-many' })),
    )
  })

  it('P3.11 has its rooms joined at the pace of frames: those beyond a burst wait', async () => {
    const { log, reads } = createCountedLog()
    const { url } = await startRelay({ log, rate: 1, maxRooms: 0 })
    holdTimers()
    const page = await connect(url, { rooms: listOf(200) })
    await page.next('joined')
    await page.next('joined')
    page.say({ type: 'ping' })
    await page.next('pong')
    // Two at once, and one more for each second that this has taken.
    expect(reads.length).toBeLessThan(100)
    expect(page.frames.filter(({ type }) => type === 'refused')).toEqual([])
  })

  it('S74 of ninety rooms waits for nothing with the pace that holds by default', async () => {
    const { url } = await startRelay()
    holdTimers()
    const page = await connect(url, { rooms: listOf(90) })
    for (const { room } of listOf(90)) expect((await page.next('joined')).room).toBe(room)
  })
})

describe('the replays of a connection', () => {
  it('S75 are read one page after the other, however many rooms it comes back to', async () => {
    const inner = createMemoryLog()
    const state = { outstanding: 0, most: 0 }
    const log: SignalLog = {
      ...inner,
      async read(...asked) {
        state.outstanding += 1
        state.most = Math.max(state.most, state.outstanding)
        // As a log elsewhere answers.
        for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
        state.outstanding -= 1
        return inner.read(...asked)
      },
    }
    const { url } = await startRelay({ log, rate: 0 })
    for (let room = 0; room < 20; room += 1) await fill(inner, `room:${room}`, 600)
    const since = { age: 600_000 }
    const page = await connect(url, { rooms: listOf(20).map(({ room }) => ({ room, since })) })
    const heard = await page.heard(20 * 600)
    // A page of a replay, and that of a join.
    expect(state.most).toBe(2)
    for (let room = 0; room < 20; room += 1) {
      const offsets = heard.filter((signal) => signal.room === `room:${room}`).map(({ offset }) => offset)
      expect(offsets).toEqual(Array.from({ length: 600 }, (_, index) => index + 1))
    }
  })

  it('S75 go on where one room cannot be read', async () => {
    const inner = createMemoryLog()
    const broken = createLatch()
    const log: SignalLog = {
      ...inner,
      async read(room, after, limit) {
        if (room !== 'bad' || after === 0 || after === 'end') return inner.read(room, after, limit)
        broken.open()
        throw new Error('a defect')
      },
    }
    const { url } = await startRelay({ log, retryFor: 0 })
    for (const room of ['bad', 'good']) await fill(inner, room, 600)
    const rooms = ['bad', 'good'].map((room) => ({ room, since: { age: 600_000 } }))
    const page = await connect(url, { rooms })
    await broken.opened
    expect((await page.closed).code).toBe(4503)
    const again = await connect(url, { rooms: rooms.slice(1) })
    expect(await again.heard(600)).toHaveLength(600)
  })
})

describeRedis('readers of Redis', () => {
  it('P3.12 take turns: one read of a neighbour does not wait for the many of another address', async () => {
    const { log, read, served, release } = await freezeRedis()
    const many = Array.from({ length: 300 }, (_, index) => read('203.0.113.7', `hostile:${index}`))
    const finds = Array.from({ length: 300 }, () =>
      log.find('hostile', 9, '203.0.113.7').then(() => served.push('find')),
    )
    // One turn later than all of theirs.
    await new Promise((resolve) => setImmediate(resolve))
    const neighbour = Promise.all([
      read('203.0.113.8', 'neighbour'),
      log.find('neighbour', 9, '203.0.113.8').then(() => served.push('found')),
    ])
    release()
    await neighbour
    // Three of each kind are on their way; then it is the neighbour's turn, or that of one more.
    expect(served.filter((name) => name.startsWith('hostile')).length).toBeLessThanOrEqual(8)
    expect(served.filter((name) => name === 'find').length).toBeLessThanOrEqual(8)
    await Promise.all([...many, ...finds])
    expect(served).toHaveLength(602)
  })

  it('S76 of one address take its turn in the order of asking, and what both wait for is read in the first turn', async () => {
    const { read, served, release } = await freezeRedis()
    const all = [
      ...Array.from({ length: 10 }, (_, index) => read('203.0.113.7', `first:${index}`)),
      ...Array.from({ length: 10 }, (_, index) => read('203.0.113.7', `second:${index}`)),
      read('203.0.113.7', 'shared'),
      read('203.0.113.8', 'shared'),
    ]
    release()
    await Promise.all(all)
    const theirs = served.filter((room) => room !== 'shared')
    expect(served.indexOf('shared')).toBeLessThanOrEqual(8)
    expect(theirs).toEqual([...range('first', 10), ...range('second', 10)])
  })

  it(
    "S77 serve a neighbour's join among forty connections that ask for all that they may, and more",
    { timeout: LONG },
    async () => {
      const redis = await startRedis()
      const inner = createRedisLog({ url: redis.url })
      const { url } = await startRelay({ log: inner, trustProxy: 1, rate: 0 })
      for (let room = 0; room < 10; room += 1) await fill(inner, `full:${room}`, 400)
      const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } })
      const neighbour = await connect(url, { rooms: [], options: from('203.0.113.8') })
      await neighbour.next('welcome')
      const hostile = await Promise.all(
        Array.from({ length: 40 }, () => connect(url, { rooms: [], options: from('203.0.113.7') })),
      )
      const ends = { isOver: false }
      let served = 0
      const flood = async (page: (typeof hostile)[number], turn: number): Promise<void> => {
        // Each answer is another question; no two ask for the same, so that none is shared.
        for (let asked = turn; !ends.isOver; asked += 40) {
          const since = { age: 600_000 - asked }
          page.say({ type: 'join', room: `full:${asked % 10}`, since })
          page.say({ type: 'join', room: `empty:${asked}`, since })
          page.say({ type: 'leave', room: `empty:${asked}` })
          await page.next('joined')
          served += 1
        }
      }
      const floods = Promise.all(hostile.map(flood))
      await Promise.all(hostile.map((page) => page.next('signal')))
      const waited: number[] = []
      for (let count = 0; count < 20; count += 1) {
        const before = served
        neighbour.say({ type: 'join', room: `neighbour:${count}`, since: { age: 1000 } })
        await neighbour.next('joined')
        waited.push(served - before)
      }
      ends.isOver = true
      await floods
      // A join is a few reads, and each waits for one of theirs. In the order of asking it would wait for forty each time.
      expect(waited.toSorted((a, b) => a - b)[10]).toBeLessThan(40)
    },
  )
})

const range = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}:${index}`)

/** A log on a Redis that answers nothing until it is released, and the order in which it then does. */
async function freezeRedis() {
  const redis = await startRedis()
  const log = createRedisLog({ url: redis.url })
  onTestFinished(() => log.close())
  await log.open()
  redis.freeze(true)
  const served: string[] = []
  return {
    log,
    served,
    // No room is followed, so each is read at once.
    read: (reader: string, room: string) => log.read(room, 0, 10, reader).then(() => served.push(room)),
    release: () => redis.freeze(false),
  }
}

/** From here on nothing that waits for time goes on. */
function holdTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

let made = 0

/** Logs so many small signals. */
async function fill(log: SignalLog, room: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    made += 1
    await appendOne(log, {
      room,
      id: `id-${made}`,
      prefix: `{"type":"signal","id":"id-${made}","signal":"A","room":"${room}"`,
    })
  }
}
