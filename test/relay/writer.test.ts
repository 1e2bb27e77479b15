import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import type { FrameSocket } from '../../examples/relay/output/frame-socket.js'
import { createFanOut } from '../../examples/relay/output/writer.js'

it.each([20_000, 300_000])(
  'waits until a slow stream has sent, also where %i bytes are too many',
  async (maxBuffered) => {
    const waiting: (() => void)[] = []
    const stream = new Writable({ write: (_chunk, _encoding, done) => void waiting.push(done) })
    const writer = createFanOut({ maxBuffered }).open({ readyState: 1, OPEN: 1, CLOSED: 3 } as FrameSocket, stream)
    for (let count = 0; count < 15 && !writer.isFull; count += 1) {
      writer.send({ type: 'goodbye', retryAfter: 0, reason: 'x'.repeat(maxBuffered / 20) })
    }
    const drained = writer.whenDrained()
    while (waiting.length > 0) waiting.shift()?.()
    await drained
    expect([writer.isFull, writer.isEnded]).toEqual([false, false])
  },
)
