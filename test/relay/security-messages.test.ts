import { connect as connectTcp } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createSignalClient } from '../../src/index.js'
import { maskedFrame, openRaw } from '../properties/raw-socket.js'
import { connect, join, pageId, startRelay } from './protocol-client.js'
import { knock } from './security.js'

describe('rights', () => {
  const authorize = (token: string) => ({
    user: token,
    join: (room: string) => token === 'vip' || room !== 'vip',
    send: (room: string, name: string) => token === 'vip' || (room !== 'vip' && name !== 'Delete'),
  })

  it('S22 and S24 who may not hear a room hears nothing of it, not by joining and not by resuming', async () => {
    const { url } = await startRelay({ authorize })
    const vip = await connect(url, { token: 'vip', rooms: ['vip'] })
    const { epoch } = await vip.next('joined')
    vip.signal('Saved', 'secret', 'vip')
    const [entry] = await vip.heard(1)
    const since = [undefined, { age: 60_000 }, { epoch, offset: 0 }, { epoch, offset: 1, id: entry?.id }]
    const guest = await connect(url, { token: 'guest', rooms: [] })
    for (const each of since) guest.say({ type: 'join', room: 'vip', ...(each && { since: each }) })
    vip.signal('Saved', 'another secret', 'vip')
    await vip.heard(2)
    await guest.level()
    const refused = guest.frames.filter((frame) => frame.type === 'refused' && frame.room === 'vip')
    expect(refused.map((frame) => frame.type === 'refused' && frame.code)).toEqual(since.map(() => 'denied'))
    expect(JSON.stringify(guest.frames)).not.toContain('secret')
  })

  it('S23 who may not send is refused; it is not in the log and takes no place in it', async () => {
    const { url } = await startRelay({ authorize })
    const guest = await connect(url, { token: 'guest' })
    await guest.next('joined')
    const ids = [guest.signal('Delete'), guest.signal('Saved', 1, 'vip')]
    const allowed = guest.signal('Saved')
    const heard = await guest.heard(1)
    const refused = guest.frames.flatMap((frame) => (frame.type === 'refused' ? [[frame.id, frame.code]] : []))
    expect(refused).toEqual(ids.map((id) => [id, 'denied']))
    expect(heard.map(({ id, offset }) => [id, offset])).toEqual([[allowed, 1]])
  })

  // This design: ids of pages are 128 random bits that nobody guesses; what can be claimed is a backend's, and is not.
  it('S25 a page cannot take the id of a backend, and the backend’s signal is delivered', async () => {
    const { url, page } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }] })
    const client = await join(url)
    client.say({ type: 'signal', id: 'shop:order-1', signal: 'Saved' })
    const refused = await client.next('refused')
    await publish(page, { signal: 'Paid' }, { 'Idempotency-Key': 'order-1' })
    const heard = await client.heard(1)
    expect([refused.code, heard[0]?.id, heard[0]?.signal]).toEqual(['bad-data', 'shop:order-1', 'Paid'])
  })

  it('S26 what the relay says of a signal nobody else can say', async () => {
    const { url } = await startRelay({ authorize })
    const page = await connect(url, { token: 'guest' })
    await page.next('joined')
    const forged = {
      sender: { user: 'root', server: 'shop' },
      offset: 99,
      at: 1,
      epoch: 'x',
      user: 'root',
      from: 'root',
    }
    page.say({ type: 'signal', id: pageId(), signal: 'Saved', ...forged })
    const [heard] = await page.heard(1)
    expect(heard?.sender).toEqual({ user: 'guest', tab: expect.stringMatching(/^[\w-]{16}$/) })
    expect([heard?.offset, Object.keys(heard ?? {}).toSorted()]).toEqual([
      1,
      ['at', 'id', 'offset', 'room', 'sender', 'signal', 'type'],
    ])
  })

  it.each(['welcome', 'joined', 'accepted', 'refused', 'left', 'gap', 'beat', 'pong', 'goodbye'])(
    'S27 a client that says %s, which only relays say, is closed with 4400',
    async (type) => {
      const { url } = await startRelay()
      const page = await join(url)
      page.say({ type, ids: [], room: 'main', code: 'x', text: 'x' })
      expect((await page.closed).code).toBe(4400)
    },
  )

  it('S28 a key publishes to its rooms under its names, and to no other’s', async () => {
    const { page } = await startRelay({
      publishKey: [{ name: 'shop', secret: 's3cret', rooms: ['shop:*'], send: ['Order*'] }],
    })
    const bodies = [
      { signal: 'OrderPaid', room: 'shop:7' },
      { signal: 'OrderPaid', room: 'office:7' },
      { signal: 'OrderPaid' },
      { signal: 'Deleted', room: 'shop:7' },
    ]
    const statuses = []
    for (const body of bodies) statuses.push((await publish(page, body)).status)
    expect(statuses).toEqual([200, 403, 403, 403])
  })
})

describe('input', () => {
  it('S29 65,536 bytes are taken, 65,537 are not', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    const bare = JSON.stringify({ type: 'signal', id: pageId(), signal: 'Big', data: '' })
    page.socket.send(bare.replace('""', `"${'x'.repeat(65_536 - bare.length)}"`))
    await page.heard(1)
    page.socket.send(bare.replace('""', `"${'x'.repeat(65_537 - bare.length)}"`))
    expect((await page.closed).code).toBe(1009)
  })

  it.each<[string, Buffer, number]>([
    ['a binary message', maskedFrame('{"type":"ping"}', 1, 0x82), 1003],
    ['text that is not UTF-8', rawFrame(0x81, Buffer.from([0xff, 0xfe])), 1007],
    ['a frame that is not masked', Buffer.from([0x81, 0x01, 0x7b]), 1002],
    ['a reserved bit', maskedFrame('{}', 1, 0xc1), 1002],
    ['a kind of frame that there is not', maskedFrame('{}', 1, 0x83), 1002],
    ['a continuation of nothing', maskedFrame('{}', 1, 0x80), 1002],
    ['a ping of 126 bytes', maskedFrame('x'.repeat(126), 1, 0x89), 1002],
    ['a close with 999', rawFrame(0x88, Buffer.from([0x03, 0xe7])), 1002],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ])('S30 %s ends the connection', async (_what, bytes, code) => {
    const { port } = await startRelay()
    const { socket, ended } = await openRaw(port, true)
    socket.write(maskedFrame(JSON.stringify({ type: 'hello', v: 1, tab: pageId(), rooms: [] }), 1))
    socket.end(bytes)
    expect(await ended).toBe(code)
  })

  it.each(['x', '[]', '"text"', '5', 'null', 'true', '{}', '{"type":null}', '{"type":["signal"]}'])(
    'S31 %s is not in the protocol',
    async (text) => {
      const { url } = await startRelay()
      const page = await join(url)
      page.socket.send(text)
      expect((await page.closed).code).toBe(4400)
    },
  )

  it('S32 data is 32 levels deep and no deeper, however deep it is', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    const ids = [32, 33, 5000].map((levels) => {
      const id = pageId()
      page.socket.send(
        `{"type":"signal","id":"${id}","signal":"Deep","data":${'['.repeat(levels)}${']'.repeat(levels)}}`,
      )
      return id
    })
    await page.level()
    const refused = page.frames.flatMap((frame) =>
      frame.type === 'refused' && frame.id ? [[frame.id, frame.code]] : [],
    )
    expect(page.signals().map(({ id }) => id)).toEqual([ids[0]])
    expect(refused).toEqual([
      [ids[1], 'bad-data'],
      [ids[2], 'bad-data'],
    ])
  })

  it.each([
    ['data', (deep: string) => `{"signal":"Deep","data":${deep}}`],
    ['data in a list', (deep: string) => `[{"signal":"Flat"},{"signal":"Deep","data":${deep}}]`],
    ['name', (deep: string) => `{"signal":${deep}}`],
    ['body', (deep: string) => deep],
  ])('S32 the %s of a backend is no deeper either, and is refused as what it is', async (_what, bodyOf) => {
    const error = vi.fn()
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error }
    const { page } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }], logger })
    const answer = await fetch(`${page}publish`, {
      method: 'POST',
      headers: { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json' },
      body: bodyOf(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    })
    const fault = { code: 'bad-data', text: expect.any(String) }
    const { results = [], ...rest } = await answer.json()
    expect([answer.status, rest]).toEqual([400, { error: fault }])
    // Only a list has results.
    expect(results.filter(({ code }: { code: string }) => code !== 'not-logged')).toEqual(
      results.slice(-1).map(() => fault),
    )
    expect(error).not.toHaveBeenCalled()
  })

  it.each(['__proto__', '*', '', 'x'.repeat(129), 'a\r\nb', 'a\u0000', 'a\u202Eb', '../x', 'a}b{c'])(
    'S33 and S38 %j is the name of no signal and of no room',
    async (name) => {
      const { url } = await startRelay()
      const page = await join(url)
      page.signal(name)
      page.signal('Saved', 1, name)
      page.say({ type: 'join', room: name })
      await page.level()
      const codes = page.frames.flatMap((frame) => (frame.type === 'refused' ? [frame.code] : []))
      expect([codes.slice(0, 3), page.signals()]).toEqual([['bad-name', 'bad-name', 'bad-name'], []])
    },
  )

  it.each(['constructor', 'toString', 'hasOwnProperty'])('S33 %s is a name like any other', async (name) => {
    const { url } = await startRelay()
    const page = await join(url, name)
    page.signal(name, 1, name)
    expect(await page.heard(1)).toMatchObject([{ signal: name, room: name, data: 1 }])
  })

  it('S34 and S35 the star is no signal’s name, and a receiver that throws keeps nothing from the others', async () => {
    const { url, page } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }] })
    vi.stubGlobal('WebSocket', function open(address: string) {
      return new WebSocket(address, { origin: 'http://localhost' })
    })
    onTestFinished(() => void vi.unstubAllGlobals())
    const errors: string[] = []
    const client = createSignalClient<Record<string, number>>({
      url,
      connect: 'manual',
      onError: ({ code }) => void errors.push(code),
    })
    onTestFinished(() => client.close())
    const heard: unknown[] = []
    client.receiveSignal('Saved', () => {
      throw new Error('a defect of the page')
    })
    client.receiveSignal('Saved', (data) => heard.push(['Saved', data]))
    client.receiveSignal('*', (data, { name }) => heard.push([name, data]))
    client.connect()
    await vi.waitUntil(() => client.status.state === 'online')
    const star = await publish(page, { signal: '*', data: 1 })
    await client.sendSignal('Saved', 2)
    await vi.waitUntil(() => heard.length >= 2)
    expect([star.status, heard, errors]).toEqual([
      400,
      [
        ['Saved', 2],
        ['Saved', 2],
      ],
      ['handler-threw'],
    ])
    expect(() => client.sendSignal('*' as string, 1)).toThrow('is not a name')
  })

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"\\u005f_proto__":{"admin":true}}',
    '[{"deep":{"__proto__":{"admin":true}}}]',
    '{"constructor":{"prototype":{"admin":true}}}',
  ])('S36 no prototype is changed by %s, here or at a page', async (data) => {
    const { url } = await startRelay()
    const page = await join(url)
    page.socket.send(`{"type":"signal","id":"${pageId()}","signal":"Saved","data":${data}}`)
    const [signal] = await page.heard(1)
    const copy = Object.assign({}, signal?.data) as { admin?: unknown }
    expect([({} as { admin?: unknown }).admin, copy.admin]).toEqual([undefined, undefined])
    expect(JSON.stringify(signal)).not.toContain('__proto__')
  })

  it.each(['-1', '1.5', '1e308', '"1"', 'null', '9007199254740992'])('S37 %s is no position', async (offset) => {
    const { url } = await startRelay()
    const page = await join(url)
    page.socket.send(`{"type":"join","room":"side","since":{"epoch":"e","offset":${offset}}}`)
    expect((await page.closed).code).toBe(4400)
  })

  it('S37 an epoch of 10 kB is no position', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.say({ type: 'join', room: 'side', since: { epoch: 'e'.repeat(10_000), offset: 1 } })
    expect((await page.closed).code).toBe(4400)
  })

  // This design: leaving pages may say text/plain on /signals, from allowed origins only; backends on /publish never.
  it('S39 publish takes JSON of a limited size, and answers no page', async () => {
    const { page, port } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }] })
    const plain = await publish(page, { signal: 'Saved' }, { 'Content-Type': 'text/plain', Origin: 'http://localhost' })
    const large = await publish(page, { signal: 'Saved', data: 'x'.repeat(65_537) })
    const farewell = await fetch(`${page}signals`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', Origin: 'https://evil.example' },
      body: JSON.stringify({ v: 1, tab: pageId(), signals: [] }),
    })
    expect([plain.status, plain.headers.get('access-control-allow-origin'), large.status]).toEqual([415, null, 413])
    expect([farewell.status, farewell.headers.get('access-control-allow-origin')]).toEqual([403, null])
    expect(await pour(port, 10_000_000)).toBeLessThan(5_000_000)
    expect((await knock(port)).status).toBe(101)
  })
})

function publish(page: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${page}publish`, {
    method: 'POST',
    headers: { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Pours chunks into a request until the relay ends it; gives how many bytes went out. */
function pour(port: number, most: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    let sent = 0
    socket.on('error', () => {})
    socket.on('close', () => resolve(socket.bytesWritten))
    socket.resume()
    const head = 'Host: localhost\r\nAuthorization: Bearer s3cret\r\nContent-Type: application/json'
    socket.write(`POST /publish HTTP/1.1\r\n${head}\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const more = (): void => {
      if (socket.destroyed || sent >= most) return
      sent += 16_384
      socket.write(`4000\r\n${'x'.repeat(16_384)}\r\n`, more)
    }
    more()
  })
}

/** A whole frame with a mask of zeros. */
function rawFrame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}
