import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createDurability } from '../../examples/relay/signal-log/redis/durability.js'
import { textOf } from '../../examples/relay/output/frame.js'
import { readNotification } from '../../examples/relay/signal-log/redis/codec.js'
import { createSubscriptions } from '../../examples/relay/signal-log/redis/subscriptions.js'
import type { Entry, LogPage } from '../../examples/relay/signal-log/log.js'
import type { RedisClient } from '../../examples/relay/signal-log/redis/client.js'
import { createLatch, type Latch } from './latch.js'

function entry(offset: number): Entry {
  return { offset, id: `id-${offset}`, frame: Buffer.from(String(offset)) }
}

/** A log elsewhere, of one room, that a test can hold up and change. */
function createRemote() {
  const state = {
    epoch: 'one',
    head: 0,
    floor: 0,
    subscribing: undefined as Latch | undefined,
    reading: undefined as Latch | undefined,
    looking: undefined as Latch | undefined,
  }
  const calls: string[] = []
  let isAway = false
  const subscriptions = createSubscriptions({
    keepMs: 1_000_000,
    async listen(rooms) {
      calls.push(rooms.length > 1 ? `subscribe to ${rooms.length}` : `subscribe ${rooms.join(' ')}`)
      await state.subscribing?.opened
    },
    unlisten: (room) => calls.push(`unsubscribe ${room}`),
    async read(_room, after, limit): Promise<LogPage> {
      calls.push(`read ${after}`)
      const { epoch, head, floor } = state
      await state.reading?.opened
      if (isAway) throw new Error('away')
      const start = Math.max(after === 'end' ? head : after, floor)
      const count = Math.min(limit, Math.max(head - start, 0))
      return {
        epoch,
        base: 0,
        floor,
        head,
        entries: Array.from({ length: count }, (_, index) => entry(start + index + 1)),
      }
    },
    async readHeads(rooms) {
      calls.push(rooms.length === 1 ? 'look' : `look at ${rooms.length}`)
      await state.looking?.opened
      if (isAway) throw new Error('away')
      return rooms.map((room) => (room === 'lost' ? undefined : { epoch: state.epoch, head: state.head }))
    },
  })
  const heard: string[] = []
  const stop = subscriptions.subscribe('main', (epoch, found) => heard.push(`${epoch} ${found?.offset ?? 'read on'}`))
  return {
    state,
    calls,
    heard,
    following: subscriptions,
    stop,
    lose: (lost: boolean) => (isAway = lost),
    ring: (offset: number, epoch = state.epoch) =>
      subscriptions.onNotification('main', { epoch, entries: [entry(offset)] }),
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

describe('subscriptions to a remote log', () => {
  let remote = createRemote()
  beforeEach(async () => {
    remote = createRemote()
    remote.state.head = 5
    await remote.following.whenSubscribed('main')
    remote.calls.length = 0
  })

  it('begins with what comes after the subscription, and subscribes before it reads', async () => {
    const late = createRemote()
    const latch = createLatch()
    late.state.subscribing = latch
    const begun = late.following.whenSubscribed('main')
    await late.settled()
    expect(late.calls).toEqual(['subscribe main'])
    latch.open()
    await begun
    expect(late.calls).toEqual(['subscribe main', 'read end'])
    expect(late.heard).toEqual([])
  })

  it('is not ready before its first reading, whatever is heard before', async () => {
    const late = createRemote()
    const [subscribed, read] = [createLatch(), createLatch()]
    late.state.subscribing = subscribed
    late.state.reading = read
    let isReady = false
    const begun = late.following.whenSubscribed('main').then(() => (isReady = true))
    late.state.head = 1
    late.ring(1)
    subscribed.open()
    await late.settled()
    expect([isReady, late.calls]).toEqual([false, ['subscribe main', 'read end']])
    late.state.head = 2
    late.ring(2)
    read.open()
    await begun
    expect(late.heard).toEqual(['one 2'])
  })

  it('hands on what comes in turn, and leaves out what came before', () => {
    for (const offset of [5, 6, 6, 7, 3]) remote.ring(offset)
    expect(remote.heard).toEqual(['one 6', 'one 7'])
    expect(remote.calls).toEqual([])
  })

  it('takes many from one notification, and reads where it holds none or follows a gap', async () => {
    remote.state.head = 8
    remote.following.onNotification('main', { epoch: 'one', entries: [5, 6, 7, 8].map(entry) })
    expect(remote.heard.splice(0)).toEqual(['one 6', 'one 7', 'one 8'])
    remote.state.head = 10
    remote.following.onNotification('main', { epoch: 'one', entries: [] })
    await remote.settled()
    expect(remote.heard.splice(0)).toEqual(['one 9', 'one 10'])
    remote.state.head = 13
    remote.following.onNotification('main', { epoch: 'one', entries: [12, 13].map(entry) })
    await remote.settled()
    expect(remote.heard).toEqual(['one 11', 'one 12', 'one 13'])
    expect(remote.calls).toEqual(['read 8', 'read 10'])
  })

  it('reads what lies between', async () => {
    remote.state.head = 8
    remote.ring(8)
    await remote.settled()
    expect(remote.heard).toEqual(['one 6', 'one 7', 'one 8'])
    expect(remote.calls).toEqual(['read 5'])
  })

  it('reads once more when news came while it read', async () => {
    const latch = createLatch()
    remote.state.reading = latch
    remote.state.head = 7
    remote.ring(7)
    remote.state.head = 9
    remote.ring(8)
    remote.ring(9)
    latch.open()
    await remote.settled()
    expect(remote.heard).toEqual(['one 6', 'one 7', 'one 8', 'one 9'])
  })

  it('reads no more than once while a thousand come during every reading', async () => {
    const latches = [createLatch(), createLatch()]
    for (const latch of latches) {
      remote.state.reading = latch
      remote.calls.length = 0
      const { head } = remote.state
      remote.state.head += 10
      remote.ring(head + 10)
      for (let offset = head + 11; offset <= head + 1010; offset++) remote.ring(offset)
      latch.open()
      remote.state.head = head + 1010
      await vi.waitFor(() => expect(remote.heard.at(-1)).toBe(`one ${head + 1010}`))
      expect(remote.calls).toEqual([`read ${head}`])
    }
  })

  it('reads once more when the subscription was renewed while it read', async () => {
    const latch = createLatch()
    remote.state.reading = latch
    remote.state.head = 6
    remote.ring(6, 'other')
    remote.state.head = 7
    await remote.following.resubscribe()
    latch.open()
    await remote.settled()
    expect(remote.heard).toEqual(['one 6', 'one 7'])
    expect(remote.calls).toEqual(['read 5', 'subscribe main', 'read 6'])
  })

  it('loses nothing when more comes than may wait', async () => {
    const latch = createLatch()
    remote.state.reading = latch
    remote.state.head = 6
    remote.ring(6, 'other')
    remote.state.head = 5000
    for (let offset = 7; offset <= 5000; offset++) remote.ring(offset)
    latch.open()
    await vi.waitFor(() => expect(remote.heard).toHaveLength(4995))
    expect(remote.heard.at(-1)).toBe('one 5000')
  })

  it.each([
    ['another epoch', { epoch: 'two', head: 3 }, 'two read on'],
    ['what was dropped', { head: 20, floor: 10 }, 'one read on'],
    ['an older state', { head: 2 }, 'one read on'],
  ])('tells followers to read on themselves at %s', async (_name, change, told) => {
    Object.assign(remote.state, change)
    await remote.following.resubscribe()
    await remote.settled()
    expect(remote.heard).toEqual([told])
    remote.state.head += 1
    remote.ring(remote.state.head)
    expect(remote.heard.at(-1)).toBe(`${remote.state.epoch} ${remote.state.head}`)
  })

  it('looks after rooms that were silent, and reads what it had not heard of', async () => {
    remote.following.checkStale(60_000)
    expect(remote.calls).toEqual([])
    remote.following.checkStale(-1)
    await remote.settled()
    expect(remote.calls).toEqual(['look'])
    remote.state.head = 6
    remote.following.checkStale(-1)
    await remote.settled()
    expect(remote.heard).toEqual(['one 6'])
  })

  it('looks at all rooms but one that cannot be looked at', async () => {
    remote.following.subscribe('lost', () => {})
    remote.following.subscribe('other', () => {})
    await Promise.all(['lost', 'other'].map((name) => remote.following.whenSubscribed(name)))
    remote.calls.length = 0
    remote.state.head = 6
    remote.following.checkStale(-1)
    await remote.settled()
    expect(remote.calls).toEqual(['look at 3', 'read 5', 'read 5'])
  })

  it('reads what could not be read, however little that shows from outside', async () => {
    remote.lose(true)
    await remote.following.resubscribe()
    await remote.settled()
    remote.lose(false)
    remote.calls.length = 0
    remote.following.checkStale(60_000)
    await remote.settled()
    expect(remote.calls).toEqual(['read 5'])
  })

  it('subscribes to many rooms in parts, and not to those that were let go of meanwhile', async () => {
    const many = createRemote()
    const stops = Array.from({ length: 2400 }, (_, index) => many.following.subscribe(`room-${index}`, () => {}))
    const latch = createLatch()
    many.state.subscribing = latch
    const renewed = many.following.resubscribe()
    for (const stop of stops.slice(2000)) stop()
    many.calls.length = 0
    latch.open()
    await renewed
    expect(many.calls).toEqual(['subscribe to 1000', 'subscribe room-1999'])
  })

  it('looks at many silent rooms in parts, so many at a time, and at each in its turn', async () => {
    const many = createRemote()
    const names = Array.from({ length: 2999 }, (_, index) => `room-${index}`)
    for (const name of names) many.following.subscribe(name, () => {})
    await Promise.all(['main', ...names].map((name) => many.following.whenSubscribed(name)))
    many.calls.length = 0
    const latch = createLatch()
    many.state.looking = latch
    for (let time = 0; time < 3; time += 1) many.following.checkStale(-1)
    expect(many.calls).toEqual(['look at 1000'])
    latch.open()
    await vi.waitFor(() => expect(many.calls).toEqual(['look at 1000', 'look at 1000']))
    await many.settled()
    // The last thousand was not looked at yet, and comes first.
    many.state.head = 1
    many.following.checkStale(-1)
    await vi.waitFor(() => expect(many.calls.filter((call) => call === 'read 0')).toHaveLength(2000))
    expect(many.calls.filter((call) => call.startsWith('look'))).toHaveLength(4)
    many.following.checkStale(60_000)
    many.following.checkStale(-1)
    await vi.waitFor(() => expect(many.calls.filter((call) => call === 'read 0')).toHaveLength(3000))
  })

  it('lets go of a room that nobody follows', () => {
    remote.stop()
    remote.stop()
    remote.ring(6)
    expect(remote.heard).toEqual([])
    expect(remote.calls).toEqual(['unsubscribe main'])
  })
})

describe('a notification of Redis', () => {
  const single = 'epoch 7 1700000000000 shop:k.1 {"id":"shop:k.1"'

  it('holds one entry or several, or only says that there are some', () => {
    const several = readNotification('epoch 9 1700000000000 a,b,c {"id":"a"\n{"id":"b"\n{"id":"c"')
    expect(readNotification(single)).toMatchObject({ epoch: 'epoch', entries: [{ offset: 7, id: 'shop:k.1' }] })
    expect(several?.entries.map(({ offset, id }) => [offset, id])).toEqual([
      [7, 'a'],
      [8, 'b'],
      [9, 'c'],
    ])
    expect(textOf(several?.entries[1]?.frame ?? Buffer.alloc(0))).toBe('{"id":"b","offset":8,"at":1700000000000}')
    expect(readNotification('epoch 9 1700000000000 a,b,c {')).toEqual({ epoch: 'epoch', entries: [] })
    expect(readNotification('of another program')).toBeUndefined()
  })

  it('is to relays of an earlier version one entry, behind a gap if there are several', () => {
    const earlier = /^(\S+) (\d+) (\d+) (\S+) (\{.*)$/s
    expect(earlier.exec(single)?.slice(1)).toEqual(['epoch', '7', '1700000000000', 'shop:k.1', '{"id":"shop:k.1"'])
    expect(earlier.exec('epoch 9 1700000000000 a,b {"id":"a"\n{"id":"b"')?.[2]).toBe('9')
  })
})

describe('waiting for a replica', () => {
  function setup() {
    const waits: ((copies: number) => void)[] = []
    const connection = new EventEmitter()
    const call = (): Promise<number> => new Promise((resolve) => void waits.push(resolve))
    // Of a client, only these are used.
    const confirm = createDurability(Object.assign(connection, { call }) as unknown as RedisClient, 'replica')
    return { waits, connection, confirm, settled: () => new Promise((resolve) => setImmediate(resolve)) }
  }

  it('is one wait for all that was written before it began, and another for what came later', async () => {
    const { waits, confirm, settled } = setup()
    const first = [confirm(async () => 'a'), confirm(async () => 'b')]
    await settled()
    const second = confirm(async () => 'c')
    await settled()
    expect(waits).toHaveLength(1)
    waits[0]?.(1)
    expect(await Promise.all(first)).toEqual(['a', 'b'])
    await settled()
    expect(waits).toHaveLength(2)
    waits[1]?.(0)
    await expect(second).rejects.toThrow('no replica has confirmed the write')
  })

  it('does not trust a connection that knows nothing of the write', async () => {
    const { waits, connection, confirm, settled } = setup()
    const written = confirm(async () => {
      connection.emit('close')
      return 'a'
    })
    await settled()
    waits[0]?.(1)
    await expect(written).rejects.toThrow('the connection to Redis was lost')
  })
})
