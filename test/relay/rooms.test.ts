import { describe, expect, it } from 'vitest'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import type { SignalLog } from '../../examples/relay/signal-log/log.js'
import type { RelayFrame } from '../../src/protocol/frames.js'
import { createLatch, type Latch } from './latch.js'
import { connect, join, startRelay, type ProtocolClient } from './protocol-client.js'

describe('a room', () => {
  it('P3.2 loses and doubles nothing while a slow log is read', async () => {
    const slow = createGatedLog()
    const { url } = await startRelay({ log: slow.log })
    const sender = await connect(url, { rooms: [] })
    for (let count = 1; count <= 300; count++) sender.signal('Saved', count)
    await sender.level()
    slow.shut()
    const receiver = await connect(url, { rooms: [{ room: 'main', since: { age: 60_000 } }] })
    await slow.waiting()
    for (let count = 301; count <= 400; count++) sender.signal('Saved', count)
    await sender.level()
    slow.openSlowly()
    for (let count = 401; count <= 1000; count++) sender.signal('Saved', count)
    const heard = await receiver.heard(1000)
    await receiver.level()
    expect(receiver.signals()).toHaveLength(1000)
    expect(heard.map(({ data }) => data)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
  })

  it.each([3, 300])(
    'P3.2 loses none of %i signals that come while an old answer of the log is on its way',
    async (count) => {
      const late = createLateLog(createMemoryLog())
      const { url } = await startRelay({ log: late.log })
      const receiver = await connect(url)
      await late.waiting
      const sender = await connect(url, { rooms: [] })
      for (let index = 1; index <= count; index++) sender.signal('Saved', index)
      await sender.level()
      late.answer()
      const joined = await receiver.next('joined')
      const heard = await receiver.heard(count)
      expect(joined).toMatchObject({ offset: 0, head: 0, recovered: true })
      expect(heard.map(({ data }) => data)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    },
  )

  it('P3.2 reads the log again when a signal is missing among those that came during a join', async () => {
    const deaf = createDeafLog()
    const late = createLateLog(deaf.log)
    const { url } = await startRelay({ log: late.log })
    const receiver = await connect(url)
    await late.waiting
    const sender = await connect(url, { rooms: [] })
    deaf.isDeaf = true
    sender.signal('Saved', 1)
    await sender.level()
    deaf.isDeaf = false
    sender.signal('Saved', 2)
    await sender.level()
    late.answer()
    const heard = await receiver.heard(2)
    expect(heard.map(({ data }) => data)).toEqual([1, 2])
  })

  it('P3.6 refuses bad names and too many rooms, and the other rooms go on', async () => {
    const { url } = await startRelay({ maxRooms: 2 })
    const page = await connect(url, { rooms: ['main', 'a}b{c', 'news', 'more'] })
    const refusals = [await page.next('refused'), await page.next('refused')]
    page.say({ type: 'leave', room: 'news' })
    page.say({ type: 'join', room: 'more' })
    await page.next('joined')
    page.signal('Saved', 'still here')
    await page.heard(1)
    expect(refusals.map(({ room, code }) => [room, code])).toEqual([
      ['a}b{c', 'bad-name'],
      ['more', 'too-many'],
    ])
  })

  it('P3.8 and P4.11 moves only the members of the old epoch when the log begins anew', async () => {
    const twice = createReplaceableLog()
    const { url } = await startRelay({ log: twice.log })
    const old = await join(url)
    old.signal('Saved', 'one')
    await old.heard(1)
    twice.replace()
    const young = await join(url)
    young.signal('Saved', 'two')
    young.signal('Saved', 'three')
    await Promise.all([old.heard(3), young.heard(2)])
    await Promise.all([old.level(), young.level()])
    expect(brief(old)).toEqual(['joined 0', 'signal 1', 'gap epoch from 1 to 0', 'signal 1', 'signal 2'])
    expect(brief(young)).toEqual(['joined 0', 'signal 1', 'signal 2'])
  })

  it('reads the log when it hears of an entry that is not the next', async () => {
    const deaf = createDeafLog()
    const { url } = await startRelay({ log: deaf.log })
    const page = await join(url)
    deaf.isDeaf = true
    for (const data of [1, 2, 3]) page.signal('Saved', data)
    await page.level()
    const before = page.signals().length
    deaf.isDeaf = false
    page.signal('Saved', 4)
    const heard = await page.heard(4)
    expect(before).toBe(0)
    expect(heard.map(({ data }) => data)).toEqual([1, 2, 3, 4])
  })

  it('replays more than may be unsent without closing the connection', async () => {
    const { url } = await startRelay({ maxBuffered: 100_000 })
    const sender = await connect(url, { rooms: [] })
    const data = 'x'.repeat(10_000)
    for (let count = 0; count < 600; count++) sender.signal('Saved', data)
    await sender.level()
    const receiver = await connect(url, { rooms: [{ room: 'main', since: { age: 600_000 } }] })
    const heard = await receiver.heard(600)
    expect(heard.at(-1)?.offset).toBe(600)
  })
})

function brief({ frames }: ProtocolClient): string[] {
  return frames.flatMap((frame: RelayFrame) => {
    if (frame.type === 'joined') return [`joined ${frame.offset}`]
    if (frame.type === 'gap') return [`gap ${frame.reason} from ${frame.from} to ${frame.offset}`]
    return frame.type === 'signal' ? [`signal ${frame.offset}`] : []
  })
}

/** A log whose reads wait at a latch, and later take several turns each. */
function createGatedLog() {
  const inner = createMemoryLog()
  const arrival = createLatch()
  let latch: Latch | undefined
  let delay = 0
  const log: SignalLog = {
    ...inner,
    async read(...args) {
      if (latch) arrival.open()
      await latch?.opened
      const page = await inner.read(...args)
      // The answer is old by the time it arrives.
      for (let turn = 0; turn < delay; turn++) await new Promise((resolve) => setImmediate(resolve))
      return page
    },
  }
  return {
    log,
    waiting: () => arrival.opened,
    shut() {
      latch = createLatch()
    },
    openSlowly() {
      delay = 5
      latch?.open()
      latch = undefined
    },
  }
}

/** A log whose answers to reads wait until a test sends them. */
function createLateLog(inner: SignalLog) {
  const arrival = createLatch()
  const latch = createLatch()
  const log: SignalLog = {
    ...inner,
    async read(...args) {
      const page = await inner.read(...args)
      arrival.open()
      await latch.opened
      return page
    },
  }
  return { log, waiting: arrival.opened, answer: latch.open }
}

/** A log that can be lost while followers stay, as when the engine behind it restarts. */
function createReplaceableLog() {
  let inner = createMemoryLog()
  const subscriptions: { room: string; follower: Parameters<SignalLog['subscribe']>[1] }[] = []
  const log: SignalLog = {
    health: 'ready',
    open: () => inner.open(),
    append: (entries) => inner.append(entries),
    read: (...args) => inner.read(...args),
    find: (...args) => inner.find(...args),
    subscribe(room, subscriber) {
      subscriptions.push({ room, follower: subscriber })
      return inner.subscribe(room, subscriber)
    },
    close: () => inner.close(),
  }
  return {
    log,
    replace() {
      void inner.close()
      inner = createMemoryLog()
      for (const { room, follower: subscriber } of subscriptions) inner.subscribe(room, subscriber)
    },
  }
}

/** A log that can fail to tell its followers. */
function createDeafLog() {
  const inner = createMemoryLog()
  const state = {
    isDeaf: false,
    log: {
      ...inner,
      subscribe: (room, subscriber) =>
        inner.subscribe(room, (epoch, entry) => {
          if (!state.isDeaf) subscriber(epoch, entry)
        }),
    } satisfies SignalLog,
  }
  return state
}
