import { describe, expect, it } from 'vitest'
import type { RelayFrame, Since } from '../../src/protocol/frames.js'
import { resume } from '../../examples/relay/resume.js'
import { createMemoryLog } from '../../examples/relay/log/memory.js'
import { connect, startRelay, type ProtocolClient } from './protocol-client.js'

/** Logs a number of signals, and gives the epoch and the ids. */
async function fill(url: string, count: number): Promise<{ epoch: string; ids: string[]; sender: ProtocolClient }> {
  const sender = await connect(url)
  const { epoch } = await sender.next('joined')
  const ids = Array.from({ length: count }, (_, index) => sender.signal('Saved', index + 1))
  await sender.heard(count)
  return { epoch, ids, sender }
}

/** Joins with a since, and gives what came: joined, gaps and signals. */
async function rejoin(url: string, since: unknown): Promise<RelayFrame[]> {
  // Some of these are wrong on purpose.
  const client = await connect(url, { rooms: [{ room: 'main', since: since as Since }] })
  const joined = await client.next('joined')
  await client.heard(joined.head - joined.offset)
  await client.level()
  return client.frames.filter(({ type }) => type === 'joined' || type === 'gap' || type === 'signal')
}

function offsets(frames: RelayFrame[]): number[] {
  return frames.flatMap((frame) => (frame.type === 'signal' ? [frame.offset] : []))
}

describe('since', () => {
  it('P4.1 replays after a position that the log reaches back to', async () => {
    const { url } = await startRelay({ history: 3 })
    const { epoch, ids } = await fill(url, 5)
    const inside = await rejoin(url, { epoch, offset: 3, id: ids[2] })
    const atFloor = await rejoin(url, { epoch, offset: 2 })
    const atHead = await rejoin(url, { epoch, offset: 5, id: ids[4] })
    expect(inside[0]).toMatchObject({ offset: 3, id: ids[2], head: 5, recovered: true })
    expect(offsets(inside)).toEqual([4, 5])
    expect(atFloor[0]).toMatchObject({ offset: 2, id: ids[1], recovered: true })
    expect(offsets(atFloor)).toEqual([3, 4, 5])
    expect(atHead[0]).toMatchObject({ offset: 5, id: ids[4], recovered: true })
    expect(offsets(atHead)).toEqual([])
  })

  it('P4.2 and P4.8 tells a trimmed gap, then what there is', async () => {
    const { url } = await startRelay({ history: 3 })
    const { epoch, ids } = await fill(url, 5)
    const frames = await rejoin(url, { epoch, offset: 1, id: ids[0] })
    expect(frames[0]).toMatchObject({ type: 'joined', offset: 2, recovered: false, head: 5 })
    expect(frames[1]).toEqual({ type: 'gap', room: 'main', reason: 'trimmed', from: 1, epoch, offset: 2, id: ids[1] })
    expect(offsets(frames)).toEqual([3, 4, 5])
  })

  it('P4.3 tells an epoch gap to somebody from another epoch, then everything', async () => {
    const { url } = await startRelay()
    const { epoch } = await fill(url, 2)
    const frames = await rejoin(url, { epoch: 'another', offset: 7, id: 'unknown' })
    expect(frames[0]).toMatchObject({ type: 'joined', epoch, offset: 0, recovered: false })
    expect(frames[1]).toEqual({ type: 'gap', room: 'main', reason: 'epoch', from: 7, epoch, offset: 0 })
    expect(offsets(frames)).toEqual([1, 2])
  })

  it('P4.4 goes on after the entry that both epochs share, and tells the gap all the same', () => {
    const tail = { epoch: 'new', base: 2, floor: 0, head: 5, id: 'b', entries: [] }
    const gap = { reason: 'epoch', from: 2 }
    expect(resume(tail, { epoch: 'old', offset: 2, id: 'b' })).toEqual({ offset: 2, id: 'b', gap })
    expect(resume(tail, { epoch: 'old', offset: 2, id: 'x' })).toEqual({ offset: 2, gap })
  })

  it('P4.4 trusts no id at an offset that the present epoch numbered itself', async () => {
    const { url } = await startRelay()
    const { ids } = await fill(url, 3)
    const frames = await rejoin(url, { epoch: 'another', offset: 2, id: ids[1] })
    expect(frames[1]).toMatchObject({ type: 'gap', reason: 'epoch', from: 2, offset: 0 })
    expect(offsets(frames)).toEqual([1, 2, 3])
  })

  it('P4.5 takes an offset above the head for another epoch', async () => {
    const { url } = await startRelay()
    const { epoch } = await fill(url, 2)
    const frames = await rejoin(url, { epoch, offset: 3 })
    expect(frames[0]).toMatchObject({ type: 'joined', offset: 0, recovered: false })
    expect(frames[1]).toMatchObject({ type: 'gap', reason: 'epoch', from: 3, offset: 0 })
    expect(offsets(frames)).toEqual([1, 2])
  })

  it('P4.6 replays by age what is not older', async () => {
    const time = { now: 1_000_000 }
    const { url } = await startRelay({ log: createMemoryLog({ now: () => time.now }) })
    time.now += 400_000
    const { sender } = await fill(url, 2)
    time.now += 5000
    sender.signal('Saved', 3)
    await sender.heard(3)
    const some = await rejoin(url, { age: 4999 })
    const all = await rejoin(url, { age: 5000 })
    const none = await rejoin(url, { age: 0 })
    expect(some[0]).toMatchObject({ offset: 2, recovered: true })
    expect(offsets(some)).toEqual([3])
    expect(offsets(all)).toEqual([1, 2, 3])
    expect(offsets(none)).toEqual([3])
  })

  it('P4.7 tells a gap when signals of that age were trimmed', async () => {
    const time = { now: 0 }
    const { url } = await startRelay({ log: createMemoryLog({ history: 2, now: () => time.now }) })
    time.now += 100_000
    await fill(url, 5)
    time.now += 10
    const frames = await rejoin(url, { age: 60_000 })
    expect(frames[0]).toMatchObject({ offset: 3, recovered: false })
    expect(frames[1]).toMatchObject({ type: 'gap', reason: 'trimmed', from: 2, offset: 3 })
    expect(offsets(frames)).toEqual([4, 5])
  })

  it('P4.7 tells a gap when the memory of the relay does not reach back that far', async () => {
    const { url } = await startRelay()
    await fill(url, 1)
    const frames = await rejoin(url, { age: 60_000_000 })
    expect(frames[0]).toMatchObject({ offset: 0, recovered: false })
    expect(frames[1]).toMatchObject({ type: 'gap', reason: 'epoch', from: 0, offset: 0 })
    expect(offsets(frames)).toEqual([1])
  })

  it.each([
    { epoch: 'a', offset: -1 },
    { epoch: 'a', offset: 1.5 },
    { epoch: 'a', offset: 1e308 },
    { epoch: 'a', offset: '1' },
    { epoch: 'a', offset: null },
    { epoch: 'a', offset: 2 ** 53 },
    { epoch: 'a' },
    { epoch: 'a'.repeat(10_000), offset: 1 },
    { epoch: 1, offset: 1 },
    { epoch: 'a', offset: 1, id: 5 },
    { age: -1 },
    { age: 'all' },
    { age: null },
    [],
    'now',
    5,
  ])('P4.9 closes with 4400 on the since number %#', async (since) => {
    const { url } = await startRelay()
    const client = await connect(url, { rooms: [{ room: 'main', since: since as Since }] })
    expect(await client.closed).toMatchObject({ code: 4400 })
  })

  it('P4.10 begins a new epoch after a restart', async () => {
    const before = await startRelay()
    const { epoch, ids } = await fill(before.url, 2)
    await before.relay.close()
    const after = await startRelay({ port: before.port })
    const frames = await rejoin(after.url, { epoch, offset: 2, id: ids[1] })
    expect(frames).toMatchObject([
      { type: 'joined', offset: 0, head: 0, recovered: false },
      { type: 'gap', reason: 'epoch', from: 2, offset: 0 },
    ])
    expect(frames[0]).not.toMatchObject({ epoch })
  })
})
