import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryLog, type MemoryLogOptions } from '../../examples/relay/log/memory.js'
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
      log.append({ room, id, opening: `{"type":"signal","id":"${id}","data":"${'x'.repeat(size)}"` }),
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

  it('forgets the oldest ids when there are too many', async () => {
    const { add } = setup({ maxIds: 2 })
    for (const id of ['a', 'b', 'c', 'd']) await add('main', id)
    expect([await add('main', 'd'), await add('main', 'a')]).toEqual(['known', 'logged'])
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
    const unfollow = log.follow('main', () => {})
    const first = await epoch('main')
    time.now = 100_000
    sweep()
    unfollow()
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

  it('stays within its memory by forgetting rooms when all are small', async () => {
    const { log, add, epoch, offsets } = setup({ maxTotal: 1_000_000 })
    const heard: string[] = []
    log.follow('room-0', (epoch) => heard.push(epoch))
    await add('room-0')
    for (let count = 1; count < 3000; count++) await add(`room-${count}`, undefined, 100)
    expect(await offsets('room-1')).toEqual([])
    expect(await offsets('room-2999')).toEqual([1])
    await add('room-0')
    expect(heard).toHaveLength(2)
    expect(heard[1]).not.toBe(heard[0])
    expect(await epoch('room-0')).toBe(heard[1])
  })

  it('leaves no timer behind when it is closed', async () => {
    const { log } = setup()
    await log.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
