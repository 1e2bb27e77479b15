import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { FrameSocket } from '../../examples/relay/output/frame-socket.js'
import { createFanOut, type Writer } from '../../examples/relay/output/writer.js'
import { textFrame, textsOf } from '../../examples/relay/output/frame.js'

/** A connection whose writes are kept, each as its texts. A write takes this time (ms). */
function open(fanOut: ReturnType<typeof createFanOut>, takes = 0): { writer: Writer; writes: string[][] } {
  const writes: string[][] = []
  const output = {
    destroyed: false,
    writableLength: 0,
    write(frames: Buffer) {
      writes.push(textsOf(frames))
      spend(takes)
      return true
    },
    on: () => undefined,
    off: () => undefined,
  }
  const socket = { readyState: 1, OPEN: 1, CLOSED: 3 } as FrameSocket
  return { writer: fanOut.open(socket, output), writes }
}

let spent = 0

/** Lets time pass within a turn. */
function spend(milliseconds: number): void {
  spent += milliseconds
}

function setUp(takes = 0) {
  const fanOut = createFanOut({ maxBuffered: 1000 })
  const connections = [open(fanOut, takes), open(fanOut, takes)] as const
  const send = (text: string): void => {
    const frame = textFrame(text)
    for (const { writer } of connections) writer.sendShared(frame)
  }
  return { connections, send, writes: () => connections.map(({ writes }) => writes) }
}

const both = <Value>(value: Value): Value[] => [value, value]

describe('signals for many connections', () => {
  beforeEach(() => {
    spent = 0
    vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    vi.spyOn(performance, 'now').mockImplementation(() => spent)
  })

  it('are written at once when the relay is quiet', () => {
    const { send, writes } = setUp()
    send('a')
    expect(writes()).toEqual(both([['a']]))
    vi.runAllTimers()
    send('b')
    expect(writes()).toEqual(both([['a'], ['b']]))
  })

  it('share a write at the end of their turn, but for its first', () => {
    const { send, writes } = setUp()
    for (const text of ['a', 'b', 'c']) send(text)
    expect(writes()).toEqual(both([['a']]))
    vi.runAllTimers()
    expect(writes()).toEqual(both([['a'], ['b', 'c']]))
  })

  it('wait from the first on after a turn of several, until a turn has one again', () => {
    const { send, writes } = setUp()
    for (const turn of [['a', 'b'], ['c', 'd'], ['e'], ['f']]) {
      for (const text of turn) send(text)
      if (turn[0] === 'f') break
      vi.runAllTimers()
    }
    expect(writes()).toEqual(both([['a'], ['b'], ['c', 'd'], ['e'], ['f']]))
  })

  it('never overtake what waits for their connection', () => {
    const { connections, send } = setUp()
    const [first] = connections
    first.writer.send({ type: 'beat' })
    send('a')
    vi.runAllTimers()
    expect(first.writes).toEqual([['{"type":"beat"}', 'a']])
  })

  it.each([
    { takes: 1, rest: 2 },
    { takes: 40, rest: 5 },
  ])('of a busy relay wait $rest ms after a flush of two writes that took $takes ms each', ({ takes, rest }) => {
    const { send, writes } = setUp(takes)
    for (const text of ['a', 'b']) send(text)
    vi.runAllTimers()
    send('c')
    vi.advanceTimersByTime(rest - 1)
    send('d')
    const before = writes().map(({ length }) => length)
    vi.advanceTimersByTime(1)
    expect({ before, writes: writes() }).toEqual({ before: [2, 2], writes: both([['a'], ['b'], ['c', 'd']]) })
  })

  it('of a busy relay that has rested meanwhile wait for the end of the turn only', () => {
    const { send, writes } = setUp(1)
    for (const text of ['a', 'b']) send(text)
    vi.runAllTimers()
    spend(2)
    send('c')
    vi.advanceTimersByTime(0)
    expect(writes()).toEqual(both([['a'], ['b'], ['c']]))
  })
})
