import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createClientAddresses } from '../../examples/relay/limits/client-address.js'
import type { TrustedProxies } from '../../examples/relay/limits/networks.js'
import { handshakeRate } from '../../examples/relay/limits/address-rates.js'
import { createConcurrencyLimit } from '../../examples/relay/limits/concurrency.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createRateLimiter, Throttle } from '../../examples/relay/limits/rate-limit.js'
import { resolveSettings } from '../../examples/relay/options/options.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { createSignalClient } from '../../src/index.js'
import { maskedFrame, openRaw } from '../properties/raw-socket.js'
import { connect, join, pageId, startRelay } from './protocol-client.js'
import { createRecorder } from './security.js'

const VISITOR = '203.0.113.7'
const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } })

/** Asks for a WebSocket, and gives the answer when there is none. */
function knock(port: number, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const key = { 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', Origin: 'http://localhost', ...key }
    const asking = request({ port, host: '127.0.0.1', path: '/signals', headers: { ...upgrade, ...headers } })
    asking.on('response', (response) => resolve(response.resume()))
    asking.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response)
    })
    asking.on('error', reject)
    asking.end()
  })
}

describe('a throttle', () => {
  it('lets a burst through, and then one per interval, however many wait', () => {
    let time = 0
    const throttle = new Throttle({ rate: 10, burst: 3, now: () => time })
    expect([
      throttle.reserve(),
      throttle.reserve(),
      throttle.reserve(),
      throttle.reserve(),
      throttle.reserve(),
    ]).toEqual([0, 0, 0, 100, 200])
    time = 10_000
    expect([throttle.reserve(), throttle.reserve(), throttle.reserve(), throttle.reserve()]).toEqual([0, 0, 0, 100])
  })

  it('says how long all that came has to wait, without taking a turn', () => {
    let time = 0
    const throttle = new Throttle({ rate: 10, burst: 1, now: () => time })
    for (let count = 0; count < 5; count += 1) throttle.reserve()
    time = 150
    expect([throttle.wait(), throttle.wait(), throttle.reserve()]).toEqual([250, 250, 350])
  })

  it('without a limit lets everything through', () => {
    const throttle = new Throttle({ rate: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY })
    expect(Array.from({ length: 1000 }, () => throttle.reserve())).toEqual(Array(1000).fill(0))
  })
})

describe('a rate limiter', () => {
  it('turns away what comes too fast, says when to come again, and holds nobody else up', () => {
    let time = 0
    const limiter = createRateLimiter({ rate: 1, burst: 2, now: () => time })
    expect([limiter.consume('a'), limiter.consume('a'), limiter.consume('a'), limiter.consume('b')]).toEqual([
      0, 0, 1000, 0,
    ])
    time = 500
    expect([limiter.wait('a'), limiter.consume('a'), limiter.wait('c')]).toEqual([500, 500, 0])
    time = 1000
    expect([limiter.wait('a'), limiter.consume('a'), limiter.consume('a')]).toEqual([0, 0, 1000])
  })

  it('counts what comes together, and lets in even what is more than a burst', () => {
    let time = 0
    const limiter = createRateLimiter({ rate: 1, burst: 2, now: () => time })
    expect([limiter.consume('a', 50), limiter.consume('a')]).toEqual([0, 1000])
  })

  it('lets a whole burst in at any moment', () => {
    const waits = Array.from({ length: 1000 }, (_, turn) => {
      const now = 777.123_456_789 + turn * 0.7
      return createRateLimiter({ rate: 40, burst: 80, now: () => now }).consume('a', 80)
    })
    expect(waits.filter((wait) => wait > 0)).toEqual([])
  })

  it('forgets who has rested', () => {
    let time = 0
    const limiter = createRateLimiter({ rate: 1000, burst: 1, now: () => time })
    for (time = 0; time < 100_000; time += 1) limiter.consume(`some address ${time}`)
    expect(limiter.size).toBeLessThan(5000)
  })
})

describe('a concurrency limit', () => {
  it('counts each key up to the limit, and forgets it when all have left', () => {
    const limit = createConcurrencyLimit(2)
    expect([limit.acquire('a'), limit.acquire('a'), limit.acquire('a'), limit.acquire('b')]).toEqual([
      true,
      true,
      false,
      true,
    ])
    limit.release('a')
    expect([limit.acquire('a'), limit.acquire('a')]).toEqual([true, false])
  })
})

describe('the address of a request', () => {
  it.each<[TrustedProxies, string | undefined, string, string | undefined]>([
    [0, undefined, '198.51.100.1', '198.51.100.1'],
    [0, '203.0.113.7', '198.51.100.1', '198.51.100.1'],
    [0, '203.0.113.7', '127.0.0.1', undefined],
    [0, undefined, '::1', undefined],
    [0, undefined, '::ffff:127.0.0.1', undefined],
    [0, undefined, '::ffff:198.51.100.1', '198.51.100.1'],
    [1, '203.0.113.7', '127.0.0.1', '203.0.113.7'],
    [1, '6.6.6.6, 203.0.113.7', '127.0.0.1', '203.0.113.7'],
    [2, '6.6.6.6, 203.0.113.7, 10.0.0.2', '127.0.0.1', '203.0.113.7'],
    [2, '203.0.113.7', '198.51.100.1', '198.51.100.1'],
    [1, '203.0.113.7:5555', '127.0.0.1', '203.0.113.7'],
    [1, 'unknown', '198.51.100.1', '198.51.100.1'],
    [1, 'a'.repeat(10_000), '198.51.100.1', '198.51.100.1'],
    [1, undefined, '198.51.100.1', '198.51.100.1'],
    [1, '2001:db8:1:2:3:4:5:6', '127.0.0.1', '2001:db8:1:2::/64'],
    [1, '2001:db8::7', '127.0.0.1', '2001:db8:0:0::/64'],
    [1, '[2001:db8::7]:443', '127.0.0.1', '2001:db8:0:0::/64'],
    [1, undefined, '127.0.0.1', '127.0.0.1'],
    [2, '203.0.113.7', '127.0.0.1', '127.0.0.1'],
    [1, '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    [['loopback'], '6.6.6.6, 203.0.113.7', '127.0.0.1', '203.0.113.7'],
    [['loopback'], '6.6.6.6, 203.0.113.7', '::ffff:127.0.0.1', '203.0.113.7'],
    [['loopback'], undefined, '127.0.0.1', '127.0.0.1'],
    [['loopback'], 'unknown', '127.0.0.1', '127.0.0.1'],
    [['loopback'], '6.6.6.6', '198.51.100.1', '198.51.100.1'],
    [['10.0.0.0/8'], '6.6.6.6', '127.0.0.1', '127.0.0.1'],
    [['loopback', 'cloudflare'], '6.6.6.6, 203.0.113.7, 172.70.1.2', '127.0.0.1', '203.0.113.7'],
    [['loopback', 'cloudflare'], '203.0.113.7, 2606:4700::1', '::1', '203.0.113.7'],
    [['loopback', 'cloudflare'], '203.0.113.7', '127.0.0.1', '203.0.113.7'],
    [['loopback', '10.0.0.0/8'], '203.0.113.7, 10.1.2.3', '10.9.9.9', '203.0.113.7'],
    [['uniquelocal'], '10.0.0.7, 10.1.2.3', '192.168.0.1', '10.0.0.7'],
    [['198.51.100.1'], '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    [['198.51.100.1'], '203.0.113.7', '198.51.100.2', '198.51.100.2'],
    [['2001:db8::/32'], '203.0.113.7', '2001:db8::1', '203.0.113.7'],
    [['linklocal'], '203.0.113.7', 'fe80::1%eth0', '203.0.113.7'],
  ])('behind the proxies %j with X-Forwarded-For %s from %s is %s', (proxies, forwarded, remoteAddress, wanted) => {
    expect(createClientAddresses(proxies).addressOf(incoming(forwarded, remoteAddress))).toBe(wanted)
  })

  it.each<[TrustedProxies, string | undefined, string, RegExp | undefined]>([
    [0, undefined, '127.0.0.1', undefined],
    [0, '203.0.113.7', '198.51.100.1', undefined],
    [0, '203.0.113.7', '127.0.0.1', /no visitor has limits.*Start the relay with --trust-proxy\.$/],
    [1, '203.0.113.7', '127.0.0.1', undefined],
    [1, undefined, '127.0.0.1', /has 0 addresses.*--trust-proxy needs/],
    [2, '203.0.113.7', '127.0.0.1', /has 1 addresses.*--trust-proxy needs/],
    [1, 'unknown', '127.0.0.1', /has 1 addresses.*--trust-proxy needs/],
    [['loopback'], '203.0.113.7', '127.0.0.1', undefined],
    [['loopback'], undefined, '127.0.0.1', /has 0 addresses.*--trust-proxy needs/],
    [['cloudflare'], '203.0.113.7', '127.0.0.1', /^127\.0\.0\.1 sends.*does not name that network/],
    [['loopback'], '203.0.113.7', '172.18.0.2', /^172\.18\.0\.2 sends.*does not name that network/],
    [['loopback'], '203.0.113.7', '198.51.100.1', undefined],
    [['loopback'], undefined, '172.18.0.2', undefined],
  ])(
    'behind the proxies %j with X-Forwarded-For %s from %s leads to the advice %s',
    (proxies, forwarded, own, text) => {
      const advice = createClientAddresses(proxies).adviceFor(incoming(forwarded, own))
      expect(advice ?? '').toMatch(text ?? /^$/)
    },
  )

  it('is that of the proxy when the header lacks it: with a limit, and with one line in the log', async () => {
    const { lines, logger } = createRecorder()
    const { url } = await startRelay({ trustProxy: ['loopback'], maxConnectionsPerAddress: 1, logger })
    const first = await connect(url)
    await first.next('joined')
    const second = await connect(url)
    expect(await second.closed).toEqual({ code: 4529, reason: 'too many connections from this network' })
    const visitor = await connect(url, { options: from(VISITOR) })
    await visitor.next('joined')
    expect(lines.filter(({ text }) => text.includes('--trust-proxy needs'))).toHaveLength(1)
  })
})

/** All that is looked at of a request. */
function incoming(forwarded: string | undefined, remoteAddress: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage
}

describe('an address', () => {
  it('P8.7 that has as many connections as it may gets a reason and a time to return, until one of them ends', async () => {
    const { url } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 2 })
    const first = await connect(url, { options: from(VISITOR) })
    await connect(url, { options: from(VISITOR) })
    const refused = await connect(url, { options: from(VISITOR) })
    await connect(url, { options: from('203.0.113.8') })
    expect(await refused.closed).toEqual({ code: 4529, reason: 'too many connections from this network' })
    expect(refused.frames).toEqual([{ type: 'goodbye', retryAfter: 10_000, reason: 'too-many' }])
    first.socket.close()
    await first.closed
    await vi.waitFor(async () => {
      const next = await connect(url, { options: from(VISITOR) })
      await next.next('joined')
    })
  })

  it('P8.7 that connects too often gets a reason and a time to return, and refused attempts take nothing from the rate', async () => {
    const { url } = await startRelay({ trustProxy: 1, connectionRate: 1, maxConnectionsPerAddress: 5 })
    const attempt = async (address = VISITOR) => {
      const page = await connect(url, { rooms: [], options: from(address) })
      const welcomed = page.next('welcome').then(
        () => ({ code: 0, reason: '' }),
        () => page.closed,
      )
      const { code, reason } = await welcomed
      page.cut()
      await page.closed
      return { code, reason, frames: page.frames }
    }
    const attempts: Awaited<ReturnType<typeof attempt>>[] = []
    while (!attempts.some(({ code }) => code === 4529)) attempts.push(await attempt())
    for (let count = 0; count < 50; count += 1) await attempt()
    expect(attempts.slice(0, 5).map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    expect(attempts.at(-1)).toEqual({
      code: 4529,
      reason: 'too many new connections from this network',
      frames: [{ type: 'goodbye', retryAfter: 1000, reason: 'too-many' }],
    })
    expect((await attempt('203.0.113.8')).code).toBe(0)
    await vi.waitFor(async () => expect((await attempt()).code).toBe(0), { timeout: 5000, interval: 50 })
  })

  it('P13.8 with too many connections tells the page the reason and the time, and nothing of an address that is wrong', async () => {
    const { url } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 1 })
    const first = await connect(url, { options: from(VISITOR) })
    await first.next('joined')
    vi.stubGlobal('WebSocket', function open(address: string) {
      return new WebSocket(address, { origin: 'http://localhost', ...from(VISITOR) })
    })
    const onError = vi.fn()
    const client = createSignalClient({ url, connect: 'manual', onError })
    onTestFinished(() => {
      client.close()
      vi.unstubAllGlobals()
    })
    for (let count = 0; count < 4; count += 1) {
      client.connect()
      await vi.waitUntil(() => client.status.state === 'waiting')
      const { status } = client
      expect(status).toMatchObject({ reason: '4529 too many connections from this network' })
      expect(status.state === 'waiting' && status.retryAt - status.since).toBeGreaterThanOrEqual(10_000)
    }
    expect(onError).not.toHaveBeenCalled()
  })

  it('P8.7 loses nothing of its rate while the whole relay is full, which the log says a few times', async () => {
    const { lines, logger } = createRecorder()
    const { url, page } = await startRelay({ trustProxy: 1, maxConnections: 2, connectionRate: 1, logger })
    const pages = [await join(url), await join(url)]
    for (let count = 0; count < 80; count += 1) {
      const refused = await connect(url, { options: from(VISITOR) })
      expect(await refused.closed).toEqual({ code: 4529, reason: 'too many connections' })
    }
    for (const { socket } of pages) socket.close()
    await vi.waitFor(async () => {
      expect(await (await fetch(`${page}health`)).json()).toMatchObject({ connections: 0 })
    })
    for (let count = 0; count < 2; count += 1) {
      const admitted = await connect(url, { options: from(VISITOR) })
      await admitted.next('joined')
    }
    expect(lines.filter(({ text }) => text.includes('--max-connections sets the limit')).length).toBeLessThan(80)
  })

  it('P8.7 gets 429 without a WebSocket while a hundred connections are being closed', async () => {
    const { url, port } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 1 })
    const first = await connect(url, { options: from(VISITOR) })
    await first.next('joined')
    // Clients that do not answer the close frame.
    const silent = await Promise.all(
      Array.from({ length: 100 }, () => openRaw(port, true, { 'X-Forwarded-For': VISITOR })),
    )
    const refused = await knock(port, { 'X-Forwarded-For': VISITOR })
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10'])
    for (const { socket } of silent) socket.destroy()
    await vi.waitFor(async () => {
      expect((await knock(port, { 'X-Forwarded-For': VISITOR })).statusCode).toBe(101)
    })
  })

  it('with the default settings has 50 people with ten tabs each, before and after every navigation', async () => {
    const { url, page } = await startRelay({ trustProxy: 1 })
    const open = async () => {
      const tab = await connect(url, { rooms: [], options: from(VISITOR) })
      await tab.next('welcome')
      return tab
    }
    let tabs = await Promise.all(Array.from({ length: 500 }, open))
    for (let navigation = 0; navigation < 2; navigation += 1) {
      for (const { socket } of tabs) socket.close()
      tabs = await Promise.all(tabs.map(open))
    }
    await vi.waitFor(async () => {
      expect(await (await fetch(`${page}health`)).json()).toMatchObject({ connections: 500 })
    })
  })

  it('with the default settings may be an office of 200 people with ten tabs each', () => {
    const { maxConnections, maxConnectionsPerAddress, connectionRate } = resolveSettings({})
    const { rate, burst } = handshakeRate({
      max: maxConnections,
      maxPerAddress: maxConnectionsPerAddress,
      rate: connectionRate,
    })
    let time = 0
    const limiter = createRateLimiter({ rate, burst, now: () => time })
    const waits = (count: number) => Array.from({ length: count }, () => limiter.consume(VISITOR))
    // All tabs at once, then a navigation of each tab every ten seconds.
    const all = waits(2000)
    for (; time < 600_000; time += 100) all.push(...waits(20))
    expect(maxConnectionsPerAddress).toBeGreaterThanOrEqual(2 * 2000)
    expect(all.filter((wait) => wait > 0)).toEqual([])
  })

  it.each([
    [
      { max: Infinity, maxPerAddress: Infinity, rate: 10 },
      { rate: 10, burst: 1000 },
    ],
    [
      { max: 10_000, maxPerAddress: 5000, rate: 200 },
      { rate: 200, burst: 5000 },
    ],
    [
      { max: 100, maxPerAddress: Infinity, rate: 200 },
      { rate: 200, burst: 100 },
    ],
  ])('with the limits %j may connect at the rate %j', (limits, rate) => {
    expect(handshakeRate(limits)).toEqual(rate)
  })

  it('cannot be made up without a trusted proxy, and this machine is not limited', async () => {
    const { url } = await startRelay({ maxConnectionsPerAddress: 1 })
    const pages = [await join(url), await join(url), await connect(url, { options: from(VISITOR) })]
    await pages[2]?.next('joined')
    expect(pages.map(({ socket }) => socket.readyState)).toEqual([1, 1, 1])
  })

  it('P10.5 that leaves too many signals gets 429, and may bring them again', async () => {
    const { page } = await startRelay({ trustProxy: 1, rate: 1 })
    const signals = Array.from({ length: 79 }, () => ({ id: pageId(), signal: 'Saved' }))
    const leave = (address: string) =>
      fetch(`${page}signals`, {
        method: 'POST',
        headers: { Origin: 'http://localhost', 'Content-Type': 'text/plain', 'X-Forwarded-For': address },
        body: JSON.stringify({ v: 1, tab: pageId(), signals }),
      })
    const [first, second, elsewhere] = [await leave(VISITOR), await leave(VISITOR), await leave('203.0.113.8')]
    expect([first.status, second.status, elsewhere.status]).toEqual([200, 429, 200])
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('a user', () => {
  const authorize = (token: string) => ({ user: token })

  it('P8.5 with as many connections as it may is told 4529, until one of them ends', async () => {
    const { url } = await startRelay({ authorize, maxConnectionsPerUser: 2 })
    const first = await connect(url, { token: 'ann' })
    const second = await connect(url, { token: 'ann' })
    await Promise.all([first.next('joined'), second.next('joined')])
    const third = await connect(url, { token: 'ann' })
    const other = await connect(url, { token: 'bob' })
    await other.next('joined')
    expect(await third.closed).toEqual({ code: 4529, reason: 'too many connections of this user' })
    first.socket.close()
    await first.closed
    await vi.waitFor(async () => {
      const next = await connect(url, { token: 'ann' })
      await next.next('joined')
    })
  })

  it('is not counted when its token is not good', async () => {
    const { url } = await startRelay({
      authorize: (token) => (token === 'ann' ? { user: 'ann' } : undefined),
      maxConnectionsPerUser: 1,
    })
    for (let count = 0; count < 3; count += 1) await (await connect(url, { token: 'bad' })).closed
    const ann = await connect(url, { token: 'ann' })
    expect((await ann.next('joined')).room).toBe('main')
  })
})

describe('a connection', () => {
  async function flood(count: number, options: RelayOptions) {
    const inner = createMemoryLog()
    const times: number[] = []
    const log = {
      ...inner,
      append: (entries: Parameters<typeof inner.append>[0]) => {
        times.push(...entries.map(() => performance.now()))
        return inner.append(entries)
      },
    }
    const { url } = await startRelay({ log, ...options })
    const page = await join(url)
    const ids = Array.from({ length: count }, (_, index) => page.signal('Saved', index))
    return { page, ids, times }
  }

  it('P6.9 that sends too fast has its signals wait: none is refused, lost or out of order', async () => {
    const { page, ids, times } = await flood(60, { rate: 20 })
    page.say({ type: 'ping' })
    await page.next('pong')
    const handledAtOnce = times.length
    const heard = await page.heard(60)
    expect(handledAtOnce).toBeLessThan(60)
    expect(heard.map(({ id }) => id)).toEqual(ids)
    expect(page.frames.filter(({ type }) => type === 'refused')).toEqual([])
    // A burst of 40, then 20 per second; a timer is never early by more than a few milliseconds.
    expect((times[59] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900)
  })

  it('is not held up when there is no limit', async () => {
    const { page } = await flood(1000, { rate: 0 })
    expect(await page.heard(1000)).toHaveLength(1000)
  })

  it.each(['ping', 'nothing-that-is-known'])(
    'P6.9 that floods with frames of type %s is not read until they have had their time, for one timer',
    async (type) => {
      const { page, port } = await startRelay({ rate: 1 })
      const roundTrip = async () => (await fetch(`${page}health`)).text()
      const { socket } = await openRaw(port, true)
      let heard = ''
      socket.on('data', (bytes) => (heard += bytes.toString('latin1')))
      const said = (frame: unknown) => maskedFrame(JSON.stringify(frame), 1)
      const pongs = () => heard.split('"pong"').length - 1
      socket.write(said({ type: 'hello', v: 1, tab: pageId(), rooms: [] }))
      await vi.waitUntil(() => heard.includes('welcome'))
      const timers = vi.spyOn(globalThis, 'setTimeout')
      onTestFinished(() => timers.mockRestore())
      socket.write(Buffer.concat(Array.from({ length: 2000 }, () => said({ type }))))
      for (let count = 0; count < 5; count += 1) await roundTrip()
      await vi.waitUntil(() => pongs() === (type === 'ping' ? 2000 : 0))
      const before = pongs()
      const set = timers.mock.calls.length
      socket.write(said({ type: 'ping' }))
      for (let count = 0; count < 20; count += 1) await roundTrip()
      expect(pongs()).toBe(before)
      // Requests and tools have theirs.
      expect(set).toBeLessThan(200)
    },
  )

  it('P6.9 that has sent a burst of probes too many goes on afterwards', async () => {
    const { url } = await startRelay({ rate: 100 })
    const page = await join(url)
    for (let count = 0; count < 260; count += 1) page.say({ type: 'ping' })
    page.signal('Saved')
    expect(await page.heard(1)).toHaveLength(1)
    expect(page.frames.filter(({ type }) => type === 'pong')).toHaveLength(260)
  })
})

describe('a backend', () => {
  it('P11.7 whose key is wrong again and again gets 429, and nobody with a right key is held up', async () => {
    const { page } = await startRelay({
      publishKey: [{ name: 'shop', secret: 's3cret' }],
      revokeKey: ['twelve-letters'],
    })
    const post = async (path: string, secret: string): Promise<Response> =>
      fetch(`${page}${path}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
        body: '{"signal": "Saved"}',
      })
    const wrong = await Promise.all(Array.from({ length: 40 }, () => post('publish', 'guess')))
    const refused = wrong.find(({ status }) => status === 429)
    const right = await post('publish', 's3cret')
    const elsewhere = await post('revoke', 'guess')
    expect(wrong.filter(({ status }) => status === 401).length).toBeGreaterThanOrEqual(20)
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect([right.status, elsewhere.status]).toEqual([200, 401])
  })
})

describe('the backend of somebody else', () => {
  it('P11.7 is told that its key is wrong, not that others behind the same proxy had wrong ones', async () => {
    const { page } = await startRelay({ trustProxy: 1, publishKey: [{ name: 'shop', secret: 's3cret' }] })
    const post = (address: string): Promise<Response> =>
      fetch(`${page}publish`, {
        method: 'POST',
        headers: { Authorization: 'Bearer guess', 'X-Forwarded-For': address },
      })
    const wrong = await Promise.all(Array.from({ length: 40 }, () => post(VISITOR)))
    expect(wrong.some(({ status }) => status === 429)).toBe(true)
    expect((await post('203.0.113.8')).status).toBe(401)
  })
})

describe('refusals in the log', () => {
  it('are not as many as somebody likes to cause', async () => {
    const warn = vi.fn()
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} }
    const { port } = await startRelay({ logger })
    const knocks = Array.from({ length: 200 }, () => knock(port, { Origin: 'https://evil.example' }))
    const statuses = new Set((await Promise.all(knocks)).map(({ statusCode }) => statusCode))
    expect([...statuses]).toEqual([403])
    expect(warn.mock.calls.length).toBeGreaterThanOrEqual(50)
    expect(warn.mock.calls.length).toBeLessThan(150)
  })
})
