import { describe, expect, it } from 'vitest'
import { resume } from '../../examples/relay/rooms/resume.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { startRealRelay } from './protocol/real-relay.js'
import { fill, offsets, rejoin } from './protocol/since.js'

describe('since', () => {
  it('P4.1 replays after a position from which on everything is kept, and what was before is trimmed', async () => {
    const relay = await startRealRelay({ history: 3 })
    const { epoch, ids } = await fill(relay, 5)
    const frames = await rejoin(relay, { epoch, offset: 2 })
    expect(frames[0]).toMatchObject({ offset: 2, id: ids[1], recovered: true })
    expect(offsets(frames)).toEqual([3, 4, 5])
  })

  it('P4.2 and P4.8 tells a trimmed gap, then what there is', async () => {
    const relay = await startRealRelay({ history: 3 })
    const { epoch, ids } = await fill(relay, 5)
    const frames = await rejoin(relay, { epoch, offset: 1, id: ids[0] })
    expect(frames[0]).toMatchObject({ type: 'joined', offset: 2, recovered: false, head: 5 })
    expect(frames[1]).toEqual({ type: 'gap', room: 'main', reason: 'trimmed', from: 1, epoch, offset: 2, id: ids[1] })
    expect(offsets(frames)).toEqual([3, 4, 5])
  })

  it('P4.4 goes on after the entry that both epochs share, and tells the gap all the same', () => {
    const page = { epoch: 'new', base: 2, floor: 0, head: 5, id: 'b', entries: [] }
    const gap = { reason: 'epoch', from: 2 }
    expect(resume(page, { epoch: 'old', offset: 2, id: 'b' })).toEqual({ offset: 2, id: 'b', gap })
    expect(resume(page, { epoch: 'old', offset: 2, id: 'x' })).toEqual({ offset: 2, gap })
  })

  it('P4.7 tells a gap when signals of that age were trimmed', async () => {
    const time = { now: 0 }
    const relay = await startRealRelay({ log: createMemoryLog({ history: 2, now: () => time.now }) })
    time.now += 100_000
    await fill(relay, 5)
    time.now += 10
    const frames = await rejoin(relay, { age: 60_000 })
    expect(frames[0]).toMatchObject({ offset: 3, recovered: false })
    expect(frames[1]).toMatchObject({ type: 'gap', reason: 'trimmed', from: 2, offset: 3 })
    expect(offsets(frames)).toEqual([4, 5])
  })

  it('P4.7 tells a gap when the memory of the relay does not reach back that far', async () => {
    const relay = await startRealRelay()
    await fill(relay, 1)
    const frames = await rejoin(relay, { age: 60_000_000 })
    expect(frames[0]).toMatchObject({ offset: 0, recovered: false })
    expect(frames[1]).toMatchObject({ type: 'gap', reason: 'epoch', from: 0, offset: 0 })
    expect(offsets(frames)).toEqual([1])
  })

  it('P4.10 begins a new epoch after a restart', async () => {
    const before = await startRealRelay()
    const { epoch, ids } = await fill(before, 2)
    await before.relay.close()
    const after = await startRealRelay({ port: before.port })
    const frames = await rejoin(after, { epoch, offset: 2, id: ids[1] })
    expect(frames).toMatchObject([
      { type: 'joined', offset: 0, head: 0, recovered: false },
      { type: 'gap', reason: 'epoch', from: 2, offset: 0 },
    ])
    expect(frames[0]).not.toMatchObject({ epoch })
  })
})
