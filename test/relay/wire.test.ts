import { connect as connectTcp } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { connect, join, pageId, startRelay } from './protocol-client.js'

describe('the wire', () => {
  it('P1.1 closes with 1003 on a binary message', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.socket.send(Buffer.from('{"type":"ping"}'))
    expect(await page.closed).toMatchObject({ code: 1003 })
  })

  it('P1.2 and P6.6 hands on known fields only, and says the others itself', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    const id = pageId()
    const forged = { offset: 99, at: 5, sender: { user: 'root' }, epoch: 'x', user: 'root', extra: true }
    page.say({ type: 'signal', id, signal: 'Saved', data: 1, ...forged })
    const heard = await page.heard(1)
    const tab = (await page.frames[0]) as { tab?: string }
    expect(heard).toEqual([
      {
        type: 'signal',
        id,
        signal: 'Saved',
        data: 1,
        room: 'main',
        offset: 1,
        at: expect.any(Number),
        sender: { tab: tab.tab },
      },
    ])
  })

  it('P1.3 ignores a frame of an unknown type', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.say({ type: 'whisper', to: 'nobody' })
    page.signal('Saved')
    expect(await page.heard(1)).toHaveLength(1)
  })

  it.each([
    'x',
    '',
    '[]',
    '"hello"',
    '5',
    'null',
    '{}',
    '{"type":5}',
    '{"type":"signal"}',
    '{"type":"signal","id":5,"signal":"Saved"}',
    '{"type":"signal","id":"a","signal":null}',
    '{"type":"signal","id":"a","signal":"Saved","room":5}',
    '{"type":"join"}',
    '{"type":"join","room":["main"]}',
    '{"type":"leave"}',
    '{"type":"token"}',
    '{"type":"accepted","ids":[]}',
    '{"type":"joined"}',
    '{"type":"gap"}',
    '{"type":"welcome"}',
    '{"type":"pong"}',
    '{"type":"beat"}',
    '{"type":"left"}',
    '{"type":"refused"}',
    '{"type":"goodbye"}',
  ])('P1.4 closes with 4400 on %s', async (text) => {
    const { url } = await startRelay()
    const page = await join(url)
    page.socket.send(text)
    expect(await page.closed).toMatchObject({ code: 4400 })
  })

  it('P1.4 closes with 4400 on nesting that overflows the reader', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.socket.send(`{"\\u0074ype":"signal","data":${nested(15_000)}}`)
    expect(await page.closed).toMatchObject({ code: 4400 })
  })

  it('P1.5 takes a frame of exactly maxBytes, and closes with 1009 on one byte more', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    const fitting = frameOf(65_536)
    page.socket.send(fitting)
    const heard = await page.heard(1)
    page.socket.send(frameOf(65_537))
    expect(Buffer.byteLength(fitting)).toBe(65_536)
    expect(heard).toHaveLength(1)
    expect(await page.closed).toMatchObject({ code: 1009 })
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'a', 'A.b:c_d-9', 'x'.repeat(128)])(
    'P1.6 takes the name %s',
    async (name) => {
      const { url } = await startRelay()
      const page = await join(url, name)
      page.signal(name, 1, name)
      expect(await page.heard(1)).toMatchObject([{ signal: name, room: name }])
    },
  )

  it.each(['__proto__', '*', '', 'x'.repeat(129), 'a\r\nb', 'a\n', 'a\u0000', 'a\u202E', '9a', '../x', 'a}b{c', 'a b'])(
    'P1.6 refuses the name %j',
    async (name) => {
      const { url } = await startRelay()
      const page = await join(url)
      const asSignal = page.signal(name)
      const asRoom = page.signal('Saved', 1, name)
      page.say({ type: 'join', room: name })
      const refusals = [await page.next('refused'), await page.next('refused'), await page.next('refused')]
      expect(refusals.map(({ id, room, code }) => [id ?? room, code])).toEqual([
        [asSignal, 'bad-name'],
        [asRoom, 'bad-name'],
        [name, 'bad-name'],
      ])
    },
  )

  it.each([
    '{"__proto__":{"admin":true},"kept":1}',
    '{"\\u005f_proto__":{"admin":true},"kept":1}',
    '{"deep":[{"__proto__":{"admin":true}}],"kept":1}',
    '{"constructor":{"prototype":{"admin":true}},"kept":1}',
  ])('P1.7 lets no prototype through in %s', async (data) => {
    const { url } = await startRelay()
    const page = await join(url)
    page.socket.send(`{"type":"signal","id":"${pageId()}","signal":"Saved","data":${data}}`)
    const [signal] = await page.heard(1)
    expect(JSON.stringify(signal)).not.toContain('__proto__')
    expect(signal?.data).toMatchObject({ kept: 1 })
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect((Object.assign({}, signal?.data) as { admin?: boolean }).admin).toBeUndefined()
  })

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

  it.each([
    { type: 'ping' },
    { type: 'signal', id: 'AAAAAAAAAAAAAAAAAAAAAA', signal: 'Saved' },
    { type: 'join', room: 'main' },
    { type: 'whisper' },
  ])('P2.3 comes before $type, or the connection closes with 4400', async (frame) => {
    const { url } = await startRelay()
    const listener = await join(url)
    const page = await connect(url, { rooms: null })
    page.say(frame)
    expect(await page.closed).toMatchObject({ code: 4400 })
    await listener.level()
    expect(listener.signals()).toEqual([])
  })

  it('P2.3 is not said twice', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.say({ type: 'hello', v: 1, tab: page.secret, rooms: [] })
    expect(await page.closed).toMatchObject({ code: 4400 })
  })

  it('P2.4 of another version closes with 4426 and says which the relay speaks', async () => {
    const { url } = await startRelay()
    const page = await connect(url, { rooms: null })
    page.say({ type: 'hello', v: 2, tab: page.secret, rooms: [] })
    expect(await page.closed).toEqual({ code: 4426, reason: 'this relay speaks version 1' })
  })

  it.each([{ tab: 'short' }, { rooms: 'main' }, { rooms: [5] }, { token: 5 }, { v: '1' }, { v: undefined }])(
    'P1.4 closes with 4400 on a hello with %j',
    async (fields) => {
      const { url } = await startRelay()
      const page = await connect(url, { rooms: null })
      page.say({ type: 'hello', v: 1, tab: page.secret, rooms: [], ...fields })
      expect(await page.closed).toMatchObject({ code: 4400 })
    },
  )

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

  it('P2.6 joins its rooms in the order of the list', async () => {
    const { url } = await startRelay()
    const page = await connect(url, { rooms: ['c', 'a', '*', 'b'] })
    await page.level()
    expect(
      page.frames.slice(0, 5).map((frame) => ('room' in frame ? `${frame.type} ${frame.room}` : frame.type)),
    ).toEqual(['welcome', 'joined c', 'joined a', 'refused *', 'joined b'])
  })
})

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

/** A signal's frame of so many bytes, most of them in letters of two bytes. */
function frameOf(size: number): string {
  const bare = JSON.stringify({ type: 'signal', id: pageId(), signal: 'Big', data: '' })
  const missing = size - bare.length
  return bare.replace('""', `"${'é'.repeat(missing >> 1)}${'x'.repeat(missing % 2)}"`)
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
