import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createSignalClient, isSignalError, type ClientOptions, type SignalClient } from '../../src/index.js'
import { connect, pageId, startRelay, type ProtocolClient } from './protocol-client.js'
import { createRecorder, knock, sayRaw, SECRET, sign } from './security.js'

const APP = 'https://app.example.com'
/** A second, and what a busy machine adds; news that had to be asked for would take five. */
const PROMPT = 4000
const VISITOR = '203.0.113.7'

describe('the handshake', () => {
  it('S01 a page of another origin gets 403, no upgrade and no cookie, and one line in the log', async () => {
    const { lines, logger } = createRecorder()
    const { port } = await startRelay({ origin: [APP], logger })
    const answer = await knock(port, { Origin: 'https://evil.example', Cookie: 'session=s3cret' })
    expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined])
    expect(lines.map(({ level }) => level)).toEqual(['warn'])
    expect(JSON.stringify(lines)).not.toContain('s3cret')
  })

  it.each([
    `${APP}.evil.io`,
    'https://evil-app.example.com',
    'http://app.example.com',
    `${APP}:444`,
    'https://APP.example.com',
    'null',
  ])('S02 an origin is compared exactly: %s', async (origin) => {
    const { port } = await startRelay({ origin: [APP] })
    const statuses = [(await knock(port, { Origin: origin })).status, (await knock(port, { Origin: APP })).status]
    expect(statuses).toEqual([403, 101])
  })

  it.each([
    ['https://a.example.com', 101],
    ['https://shop-7.example.com', 101],
    ['https://xn--bcher-kva.example.com', 101],
    ['https://example.com', 403],
    ['https://a.b.example.com', 403],
    ['http://a.example.com', 403],
    ['https://a.example.com:444', 403],
    ['https://A.example.com', 403],
    ['https://.example.com', 403],
    ['https://a.example.com.evil.io', 403],
    ['https://evil-example.com', 403],
    ['https://a.xexample.com', 403],
    ['https://a@b.example.com', 403],
    ['https://a/.example.com', 403],
    ['app://a.example.com', 403],
    ['http://a.localhost:3000', 101],
    ['http://a.localhost', 403],
    ['https://a.example.org:8443', 101],
    ['https://a.example.org', 403],
  ])('S02 P9.1 a star stands for one label: %s gets %i', async (origin, status) => {
    const stars = ['https://*.example.com', 'http://*.localhost:3000', 'https://*.example.org:8443']
    const { port } = await startRelay({ origin: stars })
    expect((await knock(port, { Origin: origin })).status).toBe(status)
  })

  it('S04 a star makes no name of the relay its own host', async () => {
    const { port } = await startRelay({ host: '0.0.0.0', origin: ['https://*.example.com'] })
    const rebound = await knock(port, { Host: `a.example.com:${port}`, Origin: `http://a.example.com:${port}` })
    expect(rebound.status).toBe(403)
  })

  // This design: no origin is let in with --open too, for tests and closed networks.
  it('S03 without configuration only this machine is served, and nobody without an origin', async () => {
    const command = readCommand(['relay'], {}, '')
    const settings = command.run === 'relay' ? command.settings : undefined
    expect([settings?.host, settings?.open, settings?.origin]).toEqual(['127.0.0.1', false, []])
    const [closed, tokens] = [await startRelay(), await startRelay({ authSecret: [SECRET] })]
    const stranger = await connect(closed.url, { origin: null }).catch((error: Error) => error.message)
    const guest = await connect(tokens.url, { origin: null, token: await sign() })
    const liar = await connect(tokens.url, { origin: null })
    expect(stranger).toBe('Unexpected server response: 403')
    expect((await guest.next('joined')).room).toBe('main')
    expect((await liar.closed).code).toBe(4401)
  })

  // This design has no list of hosts: a relay on a loopback address does not count a foreign name as its own, and one that
  // is bound elsewhere does not where --origin names its sites. Bound elsewhere without --origin, it counts every name that
  // leads to it as its own, so that a site and a relay on one host need no setting: then only a token keeps a rebound name
  // out, and the start line says so.
  it('S04 a foreign name that leads to this machine is not this machine', async () => {
    const { port } = await startRelay()
    const rebound = await knock(port, { Host: `rebound.example:${port}`, Origin: `http://rebound.example:${port}` })
    expect(rebound.status).toBe(403)
  })

  it.each([
    [{ origin: [APP] }, 403],
    [{}, 101],
  ])('S04 bound to every address with %j, a foreign name that leads here gets %i', async (options, status) => {
    const { port } = await startRelay({ host: '0.0.0.0', ...options })
    const rebound = await knock(port, { Host: `rebound.example:${port}`, Origin: `http://rebound.example:${port}` })
    const own = await knock(port, { Host: `127.0.0.1:${port}`, Origin: `http://127.0.0.1:${port}` })
    expect([rebound.status, own.status]).toEqual([status, 101])
  })

  it('S05 compression is offered in vain', async () => {
    const { port } = await startRelay()
    const { status, headers } = await knock(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    expect([status, headers['sec-websocket-extensions']]).toEqual([101, undefined])
  })

  it('S06 a connection that says nothing is closed', async () => {
    const { port } = await startRelay({ helloTimeout: 100 })
    expect(await sayRaw(port, [])).toBe('')
  })

  it('S07 a connection that says its headers byte by byte is closed', async () => {
    const { port } = await startRelay({ helloTimeout: 200 })
    const answer = await sayRaw(port, [...'GET / HTTP/1.1\r\nHost: localhost\r\nX: '.padEnd(2000, 'x')], 20)
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })

  it('S08 a WebSocket that does not say hello is closed with 4509', async () => {
    const { url } = await startRelay({ helloTimeout: 100 })
    const silent = await connect(url, { rooms: null })
    expect((await silent.closed).code).toBe(4509)
  })

  // This design: 5,000 connections of an address, all of them at once, and 50 of a user; loopback is not limited.
  it('S09 an address or a user with too much gets 4529, and nobody is whom a header claims', async () => {
    const address = { 'X-Forwarded-For': VISITOR }
    const enter = async (url: string, headers: Record<string, string>) => {
      const page = await connect(url, { rooms: [], options: { headers } })
      return codeOf(page)
    }
    const behind = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 2 })
    const codes = [
      await enter(behind.url, address),
      await enter(behind.url, address),
      await enter(behind.url, address),
      await enter(behind.url, { 'X-Forwarded-For': `${VISITOR}, 203.0.113.8` }),
    ]
    const hurried = await startRelay({ trustProxy: 1, connectionRate: 1, maxConnectionsPerAddress: 5 })
    const many: number[] = []
    while (many.at(-1) !== 4529) {
      const page = await connect(hurried.url, { rooms: [], options: { headers: address } })
      many.push(await codeOf(page))
      page.cut()
      await page.closed
    }
    const direct = await startRelay({ maxConnectionsPerAddress: 1 })
    const spoofed = [await knock(direct.port, address), await knock(direct.port, address)]
    const users = await startRelay({ authSecret: [SECRET], maxConnectionsPerUser: 1 })
    const token = await sign({ sub: 'ann' })
    await (await connect(users.url, { token })).next('joined')
    const second = await connect(users.url, { token })
    expect([codes, many.slice(0, 5)]).toEqual([
      [0, 0, 4529, 0],
      [0, 0, 0, 0, 0],
    ])
    expect(spoofed.map(({ status }) => status)).toEqual([101, 101])
    expect((await second.closed).code).toBe(4529)
  })
})

describe('authentication', () => {
  // This design: whoever does not begin with hello is not in the protocol, which is 4400.
  it.each([
    { type: 'signal', id: pageId(), signal: 'Saved' },
    { type: 'join', room: 'main' },
  ])('S10 before hello, $type ends the connection and reaches nobody', async (frame) => {
    const { url } = await startRelay({ authSecret: [SECRET] })
    const listener = await connect(url, { token: await sign() })
    await listener.next('joined')
    const hasty = await connect(url, { rooms: null })
    hasty.say(frame)
    expect((await hasty.closed).code).toBe(4400)
    await listener.level()
    expect(listener.signals()).toEqual([])
  })

  it('S11 every token that is not good ends with 4401, and a wrong one with the same words, and secrets are compared in constant time', async () => {
    const { url } = await startRelay({ authSecret: [SECRET], authAudience: 'relay' })
    const past = Math.floor(Date.now() / 1000) - 600
    const tokens = [
      undefined,
      '',
      'not.a.token',
      await sign({ aud: 'relay', exp: past }),
      await sign({ aud: 'relay' }, 'another-secret-of-the-same-length'),
      await sign({ aud: 'elsewhere' }),
      new UnsecuredJWT({ aud: 'relay' }).setExpirationTime('10m').encode(),
    ]
    const endings = []
    for (const token of tokens) {
      const page = await connect(url, token === undefined ? {} : { token })
      const { code, reason } = await page.closed
      endings.push(`${code} ${reason}`)
    }
    const good = await connect(url, { token: await sign({ aud: 'relay' }) })
    const wrong = '4401 the token is wrong or revoked'
    expect(endings).toEqual([
      '4401 the token is missing',
      '4401 the token is missing',
      wrong,
      '4401 the token has expired',
      wrong,
      wrong,
      wrong,
    ])
    expect((await good.next('joined')).room).toBe('main')
    const keys = readFileSync(new URL('../../examples/relay/access/keys.ts', import.meta.url), 'utf8')
    expect(keys).toContain('timingSafeEqual(')
  })

  it('S12 nothing that a token says is followed before its signature is good', async () => {
    let visits = 0
    const bait = createServer((_, response) => {
      visits += 1
      response.end('{"keys":[]}')
    })
    onTestFinished(() => void bait.close())
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(bait.address() as AddressInfo).port}/`
    const { url } = await startRelay({ authSecret: [SECRET] })
    const header = { alg: 'HS256', jku: address, x5u: address, kid: address }
    const token = await new SignJWT({ iss: address, exp: 9e9 })
      .setProtectedHeader(header)
      .sign(new TextEncoder().encode('another-secret-of-the-same-length'))
    const page = await connect(url, { token })
    expect((await page.closed).code).toBe(4401)
    expect(visits).toBe(0)
  })

  // This design has no tickets: the token itself comes in the first frame, never in an address.
  it('S13 and S14 a ticket or a token in the address counts for nothing, and stands in no log', async () => {
    const { lines, logger } = createRecorder()
    const { url } = await startRelay({ authSecret: [SECRET], logger })
    const token = await sign()
    const page = await connect(`${url}?ticket=t1cket&token=${token}&access_token=${token}`)
    expect((await page.closed).code).toBe(4401)
    expect(JSON.stringify(lines)).not.toMatch(new RegExp(`t1cket|${token}`))
  })

  it('S14 a token in the address of a request is not one either', async () => {
    const { page } = await startRelay({ authSecret: [SECRET] })
    const headers = { Origin: 'http://localhost', 'Content-Type': 'text/plain' }
    const body = JSON.stringify({ v: 1, tab: pageId(), signals: [{ id: pageId(), signal: 'Saved' }] })
    const answer = await fetch(`${page}signals?token=${await sign()}`, { method: 'POST', headers, body })
    expect(answer.status).toBe(401)
  })

  it('S15 rights end when the token does; a fresh one in time keeps the connection, and nothing is lost', async () => {
    const expires = Date.now() + 1000
    const authorize = (token: string) => ({ user: 'ann', expires: token === 'long' ? expires + 60_000 : expires })
    const { url } = await startRelay({ authorize })
    const [idle, fresh] = [await connect(url, { token: 'short' }), await connect(url, { token: 'short' })]
    await Promise.all([idle.next('joined'), fresh.next('joined')])
    fresh.say({ type: 'token', token: 'long' })
    const ids = [fresh.signal('Saved', 1)]
    expect((await idle.closed).code).toBe(4401)
    const late = Date.now() - expires
    ids.push(fresh.signal('Saved', 2))
    expect((await fresh.heard(2)).map(({ id, offset }) => [id, offset])).toEqual([
      [ids[0], 1],
      [ids[1], 2],
    ])
    expect(late).toBeLessThan(10_000)
  })

  it('S16 a fresh token of another user ends the connection', async () => {
    const { url } = await startRelay({ authSecret: [SECRET] })
    const page = await connect(url, { token: await sign({ sub: 'ann' }) })
    await page.next('joined')
    page.say({ type: 'token', token: await sign({ sub: 'bob' }) })
    expect((await page.closed).code).toBe(4401)
  })

  it('S17 a revoked user is out of every instance within a second', async () => {
    const inner = createMemoryLog()
    onTestFinished(() => inner.close())
    const options = {
      authSecret: [SECRET],
      revokeKey: ['a-key-for-revoking'],
      log: { ...inner, close: async () => {} },
    }
    const [one, two] = [await startRelay(options), await startRelay(options)]
    const token = await sign({ sub: 'ann' })
    const pages = [await connect(one.url, { token }), await connect(two.url, { token })]
    for (const page of pages) await page.next('joined')
    const since = performance.now()
    await fetch(`${one.page}revoke`, {
      method: 'POST',
      headers: { Authorization: 'Bearer a-key-for-revoking', 'Content-Type': 'application/json' },
      body: '{"user":"ann"}',
    })
    const codes = (await Promise.all(pages.map((page) => page.closed))).map(({ code }) => code)
    expect(codes).toEqual([4401, 4401])
    expect(performance.now() - since).toBeLessThan(PROMPT)
  })

  it('S18 a fresh token with fewer rooms takes the page out of the others at once', async () => {
    const { url } = await startRelay({ authSecret: [SECRET] })
    const page = await connect(url, { token: await sign({ sub: 'ann' }), rooms: ['main', 'team:7'] })
    await page.next('joined')
    await page.next('joined')
    page.say({ type: 'token', token: await sign({ sub: 'ann', rooms: ['main'] }) })
    expect(await page.next('left')).toEqual({ type: 'left', room: 'team:7', code: 'denied' })
    const boss = await connect(url, { token: await sign({ sub: 'boss' }), rooms: [] })
    boss.signal('Secret', 1, 'team:7')
    await boss.level()
    await page.level()
    expect(page.signals()).toEqual([])
  })

  // This design: a client with a token says hello first, so it trusts the address that it is given; what a broadcasting
  // server cannot do is make it fall back: plain mode is chosen by hand, and says no token.
  it('S19 a client in plain mode never says a token, whatever the server claims to be', async () => {
    const wire: string[] = []
    const { url } = await startBroadcast(wire, '{"type":"welcome","v":1,"tab":"x","beat":1,"maxBytes":9,"window":9}')
    const client = openClient({ url, protocol: 'plain', token: 'the-token' })
    await vi.waitUntil(() => client.status.state === 'online')
    client.setToken('the-other-token')
    await client.sendSignal('Saved')
    await vi.waitUntil(() => wire.length > 0)
    expect(wire.join()).not.toMatch(/the-(other-)?token/)
  })

  it('S20 neither the token nor the secret of the tab gets out of the client', async () => {
    const said: unknown[] = []
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...all) => void said.push(all))
    }
    const secrets: string[] = []
    const rights = { send: (_room: string, name: string) => name !== 'Denied' }
    const { url } = await startRelay({ authorize: (token) => (token === 'the-token' ? rights : undefined) })
    const urls: string[] = []
    const stored: unknown[] = []
    vi.stubGlobal('localStorage', { getItem: () => null, setItem: (...all: unknown[]) => void stored.push(all) })
    vi.stubGlobal('WebSocket', function open(address: string) {
      urls.push(address)
      const socket = new WebSocket(address, { origin: 'http://localhost' })
      const send = socket.send.bind(socket)
      socket.send = (text: string) => {
        secrets.push((JSON.parse(text) as { tab?: string }).tab ?? '')
        send(text)
      }
      return socket
    })
    onTestFinished(() => void vi.unstubAllGlobals())
    const client = createSignalClient({
      url,
      connect: 'manual',
      token: 'the-token',
      onError: (error) => said.push(error, error.message, error.stack, error.cause),
    })
    onTestFinished(() => client.close())
    client.onStatus((status) => said.push(status))
    client.connect()
    await vi.waitUntil(() => client.status.state === 'online')
    said.push(await client.sendSignal('Saved'), await client.sendSignal('Denied').catch((error: unknown) => error))
    said.push(inspect(client, { depth: 9, showHidden: true }))
    client.setToken('the-token-that-is-wrong')
    await vi.waitUntil(() => client.status.state === 'closed')
    const seen = inspect(said, { depth: 9, showHidden: true, maxStringLength: null, maxArrayLength: null })
    const told = [seen, JSON.stringify(said), JSON.stringify(client), String(client), urls.join()].join()
    expect(stored).toEqual([])
    expect([secrets[0]?.length, told.includes('the-token'), told.includes(`${secrets[0]}`)]).toEqual([22, false, false])
  })

  // This design: a page on http: may hand its token over on ws:, as it hands over its cookies.
  it('S21 a page on https does not begin to connect to ws:', () => {
    vi.stubGlobal('location', new URL('https://app.example.com/report'))
    const dialled = vi.fn()
    vi.stubGlobal('WebSocket', dialled)
    onTestFinished(() => void vi.unstubAllGlobals())
    let thrown: unknown
    try {
      createSignalClient({ url: 'ws://relay.example.com/signals', token: 'the-token' })
    } catch (error) {
      thrown = error
    }
    expect(isSignalError(thrown) && thrown.code).toBe('insecure-url')
    expect(dialled).not.toHaveBeenCalled()
  })
})

/** The code with which the relay closes a connection, or 0 for a welcome. */
function codeOf(page: ProtocolClient): Promise<number> {
  return page.next('welcome').then(
    () => 0,
    async () => (await page.closed).code,
  )
}

/** A server as people write it at home: whatever comes goes to everybody. */
async function startBroadcast(wire: string[], greeting: string): Promise<{ readonly url: string }> {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  server.on('connection', (socket) => {
    socket.send(greeting)
    socket.on('message', (bytes: Buffer) => {
      wire.push(bytes.toString())
      for (const client of server.clients) client.send(bytes.toString())
    })
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

function openClient(options: ClientOptions): SignalClient {
  vi.stubGlobal('WebSocket', WebSocket)
  const client = createSignalClient({ ...options, connect: 'manual', onError: () => undefined })
  onTestFinished(() => {
    client.close()
    vi.unstubAllGlobals()
  })
  client.connect()
  return client
}
