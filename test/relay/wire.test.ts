import { connect as connectTcp } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { connect, join, pageId, startRelay } from './protocol-client.js'

describe('the wire', () => {
  it('P1.8 agrees on no subprotocol and no compression', async () => {
    const { port } = await startRelay()
    const answer = await upgrade(port, [
      'Origin: http://localhost',
      'Sec-WebSocket-Protocol: chat',
      'Sec-WebSocket-Extensions: permessage-deflate',
    ])
    expect(answer).toMatch(/^HTTP\/1\.1 101 /)
    expect(answer.toLowerCase()).not.toContain('sec-websocket-protocol')
    expect(answer.toLowerCase()).not.toContain('sec-websocket-extensions')
  })

  it('survives hostile frames beside a healthy connection that loses nothing', async () => {
    const errors: unknown[] = []
    const record = (error: unknown): void => void errors.push(error)
    process.on('uncaughtExceptionMonitor', record)
    onTestFinished(() => void process.off('uncaughtExceptionMonitor', record))
    const { url } = await startRelay()
    const healthy = await join(url)
    const bodies = [
      '\u0000',
      '[[[[',
      '{"type":',
      '{"type":"__proto__"}',
      '{"type":"constructor"}',
      '{"type":"hello"}',
      '{"type":"token","token":""}',
      '{"__proto__":{"admin":true}}',
      '{"type":"signal","id":"","signal":""}',
      '{"type":"signal","id":{"a":1},"signal":"x"}',
      '{"type":"join","room":"x","since":{"age":1e308}}',
      `{"type":"leave","room":"${'x'.repeat(60_000)}"}`,
      `{"type":"signal","id":"${pageId()}","signal":"Deep","data":${nested(5000)}}`,
    ]
    for (const [count, body] of bodies.entries()) {
      const hostile = await connect(url)
      hostile.socket.send(body)
      hostile.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
      healthy.signal('Saved', count)
      await hostile.closed
    }
    const heard = await healthy.heard(bodies.length)
    expect(heard.map(({ data }) => data)).toEqual(bodies.map((_, count) => count))
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect(errors).toEqual([])
  })
})

describe('hello', () => {
  it('P2.2 is waited for 5 seconds, then the connection closes with 4509', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { url } = await startRelay()
    const silent = await connect(url, { rooms: null })
    const prompt = await join(url)
    vi.advanceTimersByTime(4999)
    const before = silent.socket.readyState
    vi.advanceTimersByTime(1)
    expect(await silent.closed).toMatchObject({ code: 4509 })
    prompt.signal('Saved')
    await prompt.heard(1)
    expect(before).toBe(silent.socket.OPEN)
  })

  it('P2.5 is answered with the terms of the relay', async () => {
    const { url } = await startRelay({ maxBytes: 2048, window: 5000, beat: 9000 })
    const page = await connect(url, { rooms: [] })
    expect(await page.next('welcome')).toEqual({
      type: 'welcome',
      v: 1,
      tab: expect.stringMatching(/^[\w-]{16}$/),
      beat: 9000,
      maxBytes: 2048,
      window: 5000,
    })
  })
})

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

/** Asks for a WebSocket by hand and gives the head of the answer. */
function upgrade(port: number, headers: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', reject)
    socket.once('data', (bytes) => resolve(bytes.toString()))
    const fixed = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
    socket.write(`GET /signals HTTP/1.1\r\n${[...fixed, key, ...headers].join('\r\n')}\r\n\r\n`)
  })
}
