import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { createInbox, type Inbox } from '../../src/delivery/inbox.js'
import { createSignalClient } from '../../src/index.js'
import type { JoinFrame, LeaveFrame } from '../../src/protocol/frames.js'

let joins: { readonly at: number; readonly since: unknown }[]
let handled: number[]
let inbox: Inbox

function open(): void {
  inbox = createInbox({
    send(frame: JoinFrame | LeaveFrame) {
      if (frame.type === 'join') joins.push({ at: Date.now(), since: frame.since })
      return true
    },
    isLoading: () => false,
    remembered: new Map(),
    isEarlyAllowed: true,
    user: undefined,
    deliver: ({ offset }) => handled.push(offset),
    onGap: () => undefined,
  })
  inbox.listen('main')
}

function answer(offset: number): void {
  inbox.onFrame({ type: 'joined', room: 'main', epoch: 'e1', offset, head: offset, recovered: true })
}

function signal(offset: number): void {
  inbox.onFrame({ type: 'signal', id: `s${offset}`, signal: 'A', room: 'main', offset, at: 1, sender: {} })
}

describe('a room whose signals have holes', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    joins = []
    handled = []
    vi.advanceTimersByTime(1000)
    open()
    answer(5)
    joins = []
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('S78 is joined again at once, and later and later while the relay leaves the hole', () => {
    for (let time = 0; time < 60_000; time += 10) {
      const before = joins.length
      signal(9)
      vi.advanceTimersByTime(10)
      if (joins.length > before) answer(5)
    }
    expect(joins[0]?.at).toBe(1000)
    expect(joins.length).toBeLessThan(20)
    const waits = joins.slice(1).map(({ at }, index) => at - (joins[index]?.at ?? 0))
    expect(waits.at(-1)).toBeGreaterThan(4 * (waits[0] ?? 0))
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_010)
    expect(joins.map(({ since }) => since)).toEqual(joins.map(() => ({ epoch: 'e1', offset: 5 })))
  })

  it('loses nothing that comes while it waits, once the relay fills the hole', () => {
    signal(7)
    answer(5)
    vi.advanceTimersByTime(1)
    signal(7)
    signal(8)
    expect(joins).toHaveLength(1)
    vi.advanceTimersByTime(1000)
    expect(joins).toHaveLength(2)
    answer(5)
    for (const offset of [6, 7, 8]) signal(offset)
    expect(handled).toEqual([6, 7, 8])
  })

  it('is joined again at once when the last hole is long ago', () => {
    signal(7)
    answer(5)
    vi.advanceTimersByTime(31_000)
    joins = []
    signal(7)
    expect(joins).toHaveLength(1)
  })

  it('is joined at once on a new connection, and not a second time for the old one', () => {
    signal(7)
    answer(5)
    vi.advanceTimersByTime(1)
    signal(7)
    joins = []
    inbox.requestRooms()
    vi.advanceTimersByTime(60_000)
    expect([joins, vi.getTimerCount()]).toEqual([[], 0])
  })

  it('is joined at once after each new token', () => {
    for (let count = 1; count < 4; count += 1) {
      joins = []
      inbox.hold()
      inbox.setUser('ann')
      inbox.settle()
      answer(5)
      expect(joins).toHaveLength(1)
    }
  })

  it('S79 is joined later and later, where the relay refuses it after each welcome', () => {
    joins = []
    for (let time = 0; time < 60_000; time += 10) {
      inbox.onFrame({ type: 'refused', room: 'main', code: 'denied', text: '' })
      inbox.setUser('ann')
      inbox.settle()
      vi.advanceTimersByTime(10)
    }
    expect(joins.length).toBeLessThan(20)
  })

  it('S79 is joined later and later, where the relay names another user in each welcome', () => {
    joins = []
    for (let time = 0; time < 60_000; time += 10) {
      inbox.setUser(time % 20 === 0 ? 'ann' : 'bob')
      inbox.settle()
      vi.advanceTimersByTime(10)
    }
    expect(joins.length).toBeLessThan(20)
  })

  it('is joined again at once after a new connection, however long ago the last hole was', () => {
    signal(7)
    answer(5)
    vi.advanceTimersByTime(3_600_000)
    inbox.requestRooms()
    answer(5)
    vi.advanceTimersByTime(10)
    joins = []
    signal(7)
    expect(joins).toHaveLength(1)
  })

  it('leaves no timer behind when its last receiver stops', async () => {
    const stop = inbox.listen('side')
    inbox.onFrame({ type: 'joined', room: 'side', epoch: 'e1', offset: 5, head: 5, recovered: true })
    for (const offset of [7, 8]) {
      vi.advanceTimersByTime(1)
      inbox.onFrame({ type: 'signal', id: `x${offset}`, signal: 'A', room: 'side', offset, at: 1, sender: {} })
      inbox.onFrame({ type: 'joined', room: 'side', epoch: 'e1', offset: 5, head: 5, recovered: true })
    }
    expect(vi.getTimerCount()).toBe(1)
    stop()
    await Promise.resolve()
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('S78 a client keeps calm on a real socket whose relay skips offsets as fast as it can', async () => {
  vi.stubGlobal('WebSocket', WebSocket)
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  let joined = 0
  let answered = 0
  server.on('connection', (socket) => {
    const say = (frame: object): void => socket.send(JSON.stringify(frame))
    const skip = (): void => {
      say({ type: 'signal', id: `s${answered}`, signal: 'A', room: 'main', offset: 1000, at: 1, sender: {} })
      say({ type: 'joined', room: 'main', epoch: 'e1', offset: 1, head: 1, recovered: true })
      answered += 1
      if (answered < 20_000) setImmediate(skip)
    }
    socket.on('message', (bytes: Buffer) => {
      const frame = JSON.parse(bytes.toString()) as { readonly type: string }
      if (frame.type === 'join') joined += 1
      if (frame.type !== 'hello') return
      say({ type: 'welcome', v: 1, tab: 'abcdefghijklmnop', beat: 25_000, maxBytes: 65_536, window: 900_000 })
      say({ type: 'joined', room: 'main', epoch: 'e1', offset: 1, head: 1, recovered: true })
      skip()
    })
  })
  const client = createSignalClient({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    connect: 'manual',
    onError: () => undefined,
  })
  client.receiveSignal('A', () => undefined)
  client.connect()
  await vi.waitFor(() => expect(answered).toBe(20_000), { timeout: 30_000, interval: 20 })
  client.close()
  server.close()
  vi.unstubAllGlobals()
  expect(joined).toBeGreaterThan(0)
  expect(joined).toBeLessThan(200)
})
