import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryLog, type MemoryLogOptions } from '../../examples/relay/signal-log/memory/log.js'
import { appendOne } from './append-one.js'
import { itKeepsTheContract } from './log-contract.js'

function setup(options: MemoryLogOptions = {}) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const time = { now: 0 }
  const log = createMemoryLog({ now: () => time.now, clock: () => 1_700_000_000_000, ...options })
  let made = 0
  return {
    log,
    time,
    add: (room: string, id = `id-${made++}`, size = 0) =>
      appendOne(log, { room, id, prefix: `{"type":"signal","id":"${id}","data":"${'x'.repeat(size)}"` }),
    sweep: () => vi.advanceTimersByTime(30_000),
    async epoch(room: string) {
      return (await log.read(room, 'end', 0)).epoch
    },
    async offsets(room: string) {
      return (await log.read(room, 0, 1_000_000)).entries.map(({ offset }) => offset)
    },
  }
}

describe('the log in memory', () => {
  itKeepsTheContract(async (bounds) => createMemoryLog(bounds))

  it('remembers an id for the window, by a clock that does not jump', async () => {
    const { add, time } = setup({ window: 1000 })
    const first = await add('main', 'a')
    time.now = 1000
    const inWindow = await add('main', 'a')
    time.now = 1001
    const after = await add('main', 'a')
    expect([first, inWindow, after]).toEqual(['logged', 'known', 'logged'])
  })

  it('forgets the oldest ids when they take half of its memory and there is no more, and says so once', async () => {
    const onShortWindow = vi.fn()
    const { add } = setup({ maxTotal: 1_000_000, history: 1, onShortWindow })
    for (let count = 0; count < 5000; count++) await add('main', `id-${count}`)
    const calls = onShortWindow.mock.calls.length
    for (let count = 5000; count < 50_000; count++) await add('main', `id-${count}`)
    expect([await add('main', 'id-49999'), await add('main', 'id-45000'), await add('main', 'id-0')]).toEqual([
      'known',
      'known',
      'logged',
    ])
    expect([calls, onShortWindow.mock.calls.length]).toEqual([0, 1])
  })

  it('gives up what rooms keep before it forgets an id', async () => {
    const onShortWindow = vi.fn()
    const { add, offsets } = setup({ maxTotal: 1_000_000, onShortWindow })
    for (let count = 0; count < 3000; count++) await add(`room-${count % 10}`, `id-${count}`, 400)
    expect(await add('main', 'id-0')).toBe('known')
    expect((await offsets('room-9')).at(-1)).toBe(300)
    expect((await offsets('room-9')).length).toBeLessThan(150)
    expect(onShortWindow).not.toHaveBeenCalled()
  })

  it('keeps so many entries, and those no longer than said', async () => {
    const { log, add, time, offsets } = setup({ history: 3, historyMs: 1000 })
    for (let count = 0; count < 5; count++) {
      await add('main')
      time.now += 400
    }
    const kept = await offsets('main')
    time.now += 10_000
    const later = await log.read('main', 0, 10)
    expect(kept).toEqual([4, 5])
    expect(later).toMatchObject({ floor: 5, head: 5, floorId: 'id-4', entries: [] })
  })

  it('forgets a room that was idle, and makes it again with another epoch', async () => {
    const { add, epoch, time, sweep } = setup({ historyMs: 1000, window: 2000 })
    await add('main')
    const first = await epoch('main')
    time.now = 2000
    sweep()
    const still = await epoch('main')
    time.now = 2001
    sweep()
    expect(still).toBe(first)
    expect(await epoch('main')).not.toBe(first)
  })

  it('forgets no room that is followed, and counts idleness from the last unfollow', async () => {
    const { log, epoch, time, sweep } = setup({ historyMs: 1000, window: 2000 })
    const unsubscribe = log.subscribe('main', () => {})
    const first = await epoch('main')
    time.now = 100_000
    sweep()
    unsubscribe()
    time.now += 2000
    sweep()
    const still = await epoch('main')
    time.now += 1
    sweep()
    expect(still).toBe(first)
    expect(await epoch('main')).not.toBe(first)
  })

  it('tells that an age reaches back into what was forgotten with a room', async () => {
    const { log, add, time, sweep } = setup({ historyMs: 1000, window: 1000 })
    time.now = 50_000
    await add('main')
    time.now = 52_000
    sweep()
    expect(await log.find('main', 1999)).toEqual({ after: 0 })
    expect(await log.find('main', 2001)).toEqual({ after: 0, lost: 'epoch' })
  })

  it('stays within its memory by shortening the largest room first', async () => {
    const { add, offsets } = setup({ maxTotal: 1_000_000 })
    for (let count = 0; count < 20; count++) await add(`small-${count}`, undefined, 100)
    for (let count = 0; count < 200; count++) await add('large', undefined, 10_000)
    const large = await offsets('large')
    expect(large.length).toBeLessThan(100)
    expect(large.at(-1)).toBe(200)
    expect(await offsets('small-0')).toEqual([1])
  })

  it('stays within its memory when rooms are only looked at', async () => {
    const { log } = setup({ maxTotal: 102_400 })
    const first = (await log.read('room-0', 'end', 0)).epoch
    for (let room = 1; room < 1000; room += 1) await log.read(`room-${room}`, 'end', 0)
    expect((await log.read('room-0', 'end', 0)).epoch).not.toBe(first)
  })

  it('stays within its memory by forgetting rooms when all are small; those that are followed only lose entries', async () => {
    const { log, add, offsets } = setup({ maxTotal: 1_000_000 })
    const heard: string[] = []
    log.subscribe('room-0', (epoch, entry) => heard.push(`${epoch} ${entry?.offset}`))
    await add('room-0')
    for (let count = 1; count < 3000; count++) await add(`room-${count}`, undefined, 100)
    const { epoch, floor, head } = await log.read('room-0', 0, 10)
    expect(await offsets('room-1')).toEqual([])
    expect(await offsets('room-2999')).toEqual([1])
    await add('room-0')
    expect([floor, head]).toEqual([1, 1])
    expect(heard).toEqual([`${epoch} 1`, `${epoch} 2`])
  })

  it('keeps every room that is followed, however many they are, and does no more for a signal because of them', async () => {
    let calls = 0
    const log = createMemoryLog({ now: () => (calls += 1) && 0 })
    onTestFinished(() => log.close())
    const heard: string[] = []
    const rooms = 70_000
    for (let count = 0; count < rooms; count++) log.subscribe(`user:${count}`, (epoch) => heard.push(epoch))
    const epoch = async (room: string) => (await log.read(room, 'end', 1)).epoch
    const before = [await epoch('user:1'), await epoch('user:60000')]
    calls = 0
    for (let count = 0; count < 20; count++) {
      await appendOne(log, { room: 'user:1', id: `id-${count}`, prefix: '{"type":"signal"' })
    }
    expect(calls).toBeLessThan(1000)
    expect([await epoch('user:1'), await epoch('user:60000')]).toEqual(before)
    expect((await log.read('user:1', 0, 100)).entries).toHaveLength(20)
    expect(heard).toEqual(Array(20).fill(before[0]))
  })

  it('gives a room that nobody follows any more up like any other', async () => {
    const { log, add, epoch } = setup({ maxTotal: 100_000 })
    const unsubscribe = log.subscribe('left', () => {})
    const followed = await epoch('left')
    for (let count = 0; count < 500; count++) await log.read(`room-${count}`, 'end', 1)
    const still = await epoch('left')
    unsubscribe()
    for (let count = 500; count < 1000; count++) await add(`room-${count}`)
    expect(still).toBe(followed)
    expect(await epoch('left')).not.toBe(followed)
  })

  it('leaves no timer behind when it is closed', async () => {
    const { log } = setup()
    await log.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
