import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createInbox, type Inbox } from '../../src/delivery/inbox.js'
import type { Gap } from '../../src/index.js'
import type { JoinFrame, LeaveFrame, SignalFrame } from '../../src/protocol/frames.js'

let sent: (JoinFrame | LeaveFrame)[]
let told: (string | Gap)[]
let inbox: Inbox

beforeEach(() => {
  sent = []
  told = []
  inbox = createInbox({
    send: (frame) => Boolean(sent.push(frame)),
    isLoading: () => true,
    remembered: new Map(),
    isEarlyAllowed: true,
    user: undefined,
    deliver: ({ id }, isReplayed) => told.push(isReplayed ? `${id} replayed` : id),
    onGap: (gap) => told.push(gap),
  })
})

const joined = (
  offset: number,
  { head = offset, epoch = 'e1', recovered = true, id = `s${offset}`, room = 'main' } = {},
) => inbox.onFrame({ type: 'joined', room, epoch, offset, head, recovered, id })
const gap = (offset: number, { epoch = 'e1', reason = 'trimmed' as const, room = 'main' } = {}) =>
  inbox.onFrame({ type: 'gap', room, reason, from: 0, epoch, offset })
const signal = (offset: number, { id = `s${offset}`, room = 'main' } = {}) =>
  inbox.onFrame({ type: 'signal', id, signal: 'A', room, offset, at: 1, sender: {} } satisfies SignalFrame)

describe('a page that has just loaded', () => {
  const ages = () =>
    sent.map((frame) => frame.type === 'join' && frame.since && 'age' in frame.since && frame.since.age)

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
    inbox.listen('main')
  })
  afterEach(() => vi.useRealTimers())

  it('P4.12 asks again, for what is older by the delay, when the answer is late', () => {
    vi.advanceTimersByTime(1000)
    joined(7)
    signal(8)
    vi.advanceTimersByTime(100)
    joined(5, { head: 8 })
    for (const offset of [6, 7, 8]) signal(offset)
    expect(ages()).toEqual([0, 2000])
    expect(told).toEqual(['s6 replayed', 's7 replayed', 's8 replayed'])
  })

  it('P4.12 asks once where each answer is as late, and never where a gap says it all', () => {
    vi.advanceTimersByTime(1000)
    joined(7)
    vi.advanceTimersByTime(1000)
    joined(5)
    signal(6)
    inbox.listen('other')
    vi.advanceTimersByTime(1000)
    joined(5, { recovered: false, room: 'other' })
    expect(ages()).toEqual([0, 2000, 2000])
    expect(told).toEqual(['s6'])
  })

  it('P4.12 goes on after a position, however late the answer', () => {
    joined(5)
    for (const { since } of inbox.requestRooms()) expect(since).toEqual({ epoch: 'e1', offset: 5, id: 's5' })
    vi.advanceTimersByTime(5000)
    joined(5, { head: 6 })
    signal(6)
    expect(ages()).toEqual([0])
    expect(told).toEqual(['s6 replayed'])
  })
})

describe('once and in order', () => {
  it('P5.1 handles the next offset, and drops the ones that it has', () => {
    inbox.listen('main')
    joined(5)
    for (const offset of [4, 5, 6, 6, 7, 5, 8]) signal(offset)
    expect(told).toEqual(['s6', 's7', 's8'])
  })

  it('marks as replayed what was there before the page joined', () => {
    inbox.listen('main')
    joined(5, { head: 7 })
    for (const offset of [6, 7, 8]) signal(offset)
    expect(told).toEqual(['s6 replayed', 's7 replayed', 's8'])
  })

  it('P5.1 handles nothing after a jump, and asks for what is missing', () => {
    inbox.listen('main')
    joined(5)
    signal(6)
    signal(9)
    signal(10)
    expect(told).toEqual(['s6'])
    expect(sent.slice(1)).toEqual([{ type: 'join', room: 'main', since: { epoch: 'e1', offset: 6, id: 's6' } }])
    joined(6, { head: 10 })
    for (const offset of [7, 8, 9, 10, 11]) signal(offset)
    expect(told).toEqual(['s6', 's7 replayed', 's8 replayed', 's9 replayed', 's10 replayed', 's11'])
  })

  it('P5.2 drops a repeat by its id where positions cannot tell, across two lives of the log', () => {
    inbox.listen('main')
    joined(0)
    signal(1, { id: 'a' })
    joined(0, { epoch: 'e2', recovered: false })
    gap(0, { epoch: 'e2' })
    signal(1, { id: 'a' })
    signal(2, { id: 'b' })
    expect(told).toEqual(['a', { room: 'main', reason: 'trimmed' }, 'b'])
  })

  it('P5.2 remembers at least the last 8,192 ids, and not all', () => {
    inbox.listen('main')
    joined(0)
    for (let offset = 1; offset <= 20_000; offset += 1) signal(offset)
    told = []
    signal(20_001, { id: 's11809' })
    signal(20_002, { id: 's1' })
    expect(told).toEqual(['s1'])
  })

  it('keeps a position for each room', () => {
    inbox.listen('a')
    inbox.listen('b')
    joined(3, { room: 'a' })
    joined(8, { room: 'b' })
    signal(4, { room: 'a', id: 'a4' })
    signal(9, { room: 'b', id: 'b9' })
    expect(told).toEqual(['a4', 'b9'])
    expect(inbox.requestRooms()).toEqual([
      { room: 'a', since: { epoch: 'e1', offset: 4, id: 'a4' } },
      { room: 'b', since: { epoch: 'e1', offset: 9, id: 'b9' } },
    ])
  })

  it('ignores rooms that nobody listens to', () => {
    signal(1)
    joined(1)
    gap(1)
    expect([told, sent]).toEqual([[], []])
  })

  it('asks to join when a signal comes before any position', () => {
    inbox.listen('main')
    joined(3, { recovered: false })
    signal(4)
    expect([told, sent.length]).toEqual([[], 2])
  })
})

describe('over interruptions', () => {
  it('goes on after what it last handled, on the next connection', () => {
    inbox.listen('main')
    joined(5)
    signal(6)
    expect(inbox.requestRooms()).toEqual([{ room: 'main', since: { epoch: 'e1', offset: 6, id: 's6' } }])
  })

  it('handles nothing between a new hello and its answer, which would belong to the old one', () => {
    inbox.listen('main')
    joined(5)
    inbox.requestRooms()
    signal(6)
    expect(told).toEqual([])
    joined(5, { head: 6 })
    signal(6)
    expect(told).toEqual(['s6 replayed'])
  })

  it('never moves back within one epoch', () => {
    inbox.listen('main')
    joined(5)
    signal(6)
    joined(3, { head: 6 })
    gap(2)
    for (const offset of [4, 5, 6, 7]) signal(offset)
    expect(told).toEqual(['s6', { room: 'main', reason: 'trimmed' }, 's7'])
  })

  it('P5.3 reports a gap before anything newer, also when the connection breaks between joined and gap', () => {
    inbox.listen('main')
    joined(5)
    joined(20, { recovered: false })
    expect(inbox.requestRooms()).toMatchObject([{ since: { epoch: 'e1', offset: 5 } }])
    joined(20, { recovered: false })
    gap(20)
    signal(21)
    expect(told).toEqual([{ room: 'main', reason: 'trimmed' }, 's21'])
  })

  it('keeps the id that proves a common entry when a gap changes the epoch and not the offset', () => {
    inbox.listen('main')
    joined(5)
    joined(5, { epoch: 'e2', recovered: false })
    gap(5, { epoch: 'e2' })
    expect(inbox.requestRooms()).toMatchObject([{ since: { epoch: 'e2', offset: 5, id: 's5' } }])
    gap(9, { epoch: 'e3' })
    expect(inbox.requestRooms()).toEqual([{ room: 'main', since: { epoch: 'e3', offset: 9, id: undefined } }])
  })
})

describe('where it begins', () => {
  const ageOfFirstJoin = (now: number, isLoading: boolean, later: number): unknown => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now)
    const other = createInbox({
      send: () => true,
      isLoading: () => isLoading,
      remembered: new Map(),
      isEarlyAllowed: true,
      user: undefined,
      deliver: () => 1,
      onGap: () => 1,
    })
    other.listen('main')
    clock.mockReturnValue(now + later)
    return other.requestRooms()[0]?.since
  }

  it.each([
    ['a page that has just loaded', 300, true, 0, 300],
    ['the same page, connected later', 300, true, 5000, 5300],
    ['a page that has long been loaded', 61_000, false, 0, 0],
    ['the same page, connected later', 61_000, false, 5000, 5000],
  ])('is for %s: %d ms old, loading %s, %d ms until it connects, an age of %d', (_who, now, isSince, later, age) => {
    expect(ageOfFirstJoin(now, isSince, later)).toEqual({ age })
  })
})

describe('listening', () => {
  it('joins with the first, and leaves after the last stop of one task', async () => {
    const stops = [inbox.listen('main'), inbox.listen('main')]
    stops[0]?.()
    stops[0]?.()
    await Promise.resolve()
    expect(sent.map(({ type }) => type)).toEqual(['join'])
    stops[1]?.()
    await Promise.resolve()
    expect(sent.map(({ type }) => type)).toEqual(['join', 'leave'])
    expect(inbox.requestRooms()).toEqual([])
  })

  it('does not take a late stop of an earlier stay for one of the present', async () => {
    const stop = inbox.listen('main')
    stop()
    await Promise.resolve()
    inbox.listen('main')
    stop()
    await Promise.resolve()
    expect(sent.map(({ type }) => type)).toEqual(['join', 'leave', 'join'])
  })

  it('delivers without positions from a server that has none, still once for each id', () => {
    inbox.listen('main')
    signal(0, { id: '' })
    signal(0, { id: '' })
    signal(0, { id: 'x' })
    signal(0, { id: 'x' })
    expect(told).toEqual(['', '', 'x'])
  })
})
