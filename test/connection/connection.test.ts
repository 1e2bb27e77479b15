import { setImmediate } from 'node:timers'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openConnection } from '../../src/connection/connection.js'
import type { Transport, TransportSettings } from '../../src/connection/transport.js'
import type { CloseReason, SignalError, SignalStatus } from '../../src/index.js'
import type { RelayFrame, RoomRequest } from '../../src/protocol/frames.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'
import { happen, hide } from '../support/page-events.js'

let relay: ReturnType<typeof startMockRelay>
let transports: Transport[] = []
let statuses: SignalStatus[]
let errors: SignalError[]
let frames: RelayFrame[]
let tooLarge: number
let aside: number
let rooms: RoomRequest[]
let act: () => void

function open(settings: Partial<TransportSettings> = {}): Transport {
  const transport = openConnection(
    { url: RELAY_URL, token: undefined, protocol: 'v1', tab: 'abcdefghijklmnopqrstuv', ...settings },
    {
      requestRooms: () => rooms,
      onStatus(status) {
        statuses.push(status)
        act()
      },
      onWelcome: (frame) => frames.push(frame),
      onFrame: (frame) => frames.push(frame),
      onSuspend: () => (aside += 1),
      onTooLarge: () => (tooLarge += 1),
      onError: (error) => errors.push(error),
    },
  )
  transports = [transport]
  transport.connect()
  return transport
}

const states = (): string[] => statuses.map(({ state }) => state)
const codes = (): string[] => errors.map(({ code }) => code)
const texts = (): string[] => errors.map(({ message }) => message)
const wait = (): number => {
  const last = statuses.at(-1)
  return last?.state === 'waiting' ? last.retryAt - last.since : -1
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  relay = startMockRelay()
  statuses = []
  errors = []
  frames = []
  tooLarge = 0
  aside = 0
  rooms = []
  act = () => undefined
})

afterEach(async () => {
  for (const transport of transports) transport.close()
  transports = []
  await pass()
  expect(vi.getTimerCount()).toBe(0)
  relay.stop()
  vi.useRealTimers()
})

describe('coming online', () => {
  it('is online when the relay has welcomed it, not before', async () => {
    relay.isAnswering = false
    const transport = open()
    await pass()
    expect([states(), transport.send('{}')]).toEqual([['connecting'], false])
    relay.send({ type: 'welcome', v: 1, tab: 'me', beat: 1, maxBytes: 1, window: 1 })
    expect([states(), transport.send('{"type":"ping"}')]).toEqual([['connecting', 'online'], true])
    expect(frames.map(({ type }) => type)).toEqual(['welcome'])
    await pass()
    expect(relay.sent('ping')).toHaveLength(1)
  })

  it('P2.1 keeps its secret over reconnections, 128 bits in base64url', async () => {
    open()
    await pass()
    relay.close(1006)
    await pass(1000)
    const secrets = relay.sent('hello').map(({ tab }) => tab)
    expect(secrets).toHaveLength(2)
    expect(new Set(secrets).size).toBe(1)
    expect(secrets[0]).toMatch(/^[\w-]{22}$/)
  })

  it('does nothing when it is asked to connect while it connects or is online', async () => {
    const transport = open()
    transport.connect()
    await pass()
    transport.connect()
    await pass()
    expect(relay.sent('hello')).toHaveLength(1)
    expect(states()).toEqual(['connecting', 'online'])
  })

  it('dials at once when it is asked to connect in a wait', async () => {
    const transport = open()
    await pass()
    relay.close(1006)
    await pass()
    transport.connect()
    await pass()
    expect(states()).toEqual(['connecting', 'online', 'waiting', 'connecting', 'online'])
  })

  it('tells that there is no WebSocket, and stays idle', () => {
    vi.stubGlobal('WebSocket', undefined)
    const transport = open()
    expect([codes(), transport.status.state]).toEqual([['no-websocket'], 'idle'])
  })
})

describe('tokens', () => {
  it('asks for a token before every connection', async () => {
    let count = 0
    open({ token: () => `token-${++count}` })
    await pass()
    relay.close(1006)
    await pass(1000)
    expect(relay.sent('hello').map(({ token }) => token)).toEqual(['token-1', 'token-2'])
  })

  it('P9.8 never puts the token into the address', async () => {
    open({ token: 'secret' })
    await pass()
    expect(relay.sockets[0]?.url).not.toContain('secret')
    expect(relay.sent('hello')[0]?.token).toBe('secret')
  })

  it('tells a token function that throws, rejects or takes too long, and asks again later', async () => {
    const answers = [
      () => {
        throw new Error('sync')
      },
      () => Promise.reject(new Error('async')),
      () => new Promise<string>(() => undefined),
      () => 'good',
    ]
    open({ token: () => (answers.shift() as () => string)() })
    await pass(60_000)
    expect(codes()).toEqual(['token-failed', 'token-failed', 'token-failed'])
    expect(texts()).toEqual([
      'The option token failed: see error.cause.',
      'The option token failed: see error.cause.',
      'The option token gave none within 15 s.',
    ])
    expect(states().at(-1)).toBe('online')
    expect(relay.sent('hello').map(({ token }) => token)).toEqual(['good'])
  })

  it('ignores a token that comes after the connection was closed', async () => {
    let answer = (_token: string): void => undefined
    const transport = open({ token: () => new Promise<string>((resolve) => (answer = resolve)) })
    await pass()
    transport.close()
    answer('late')
    await pass()
    expect(relay.sockets).toHaveLength(0)
  })

  it('P13.4 asks once more at once when the token is refused, and ends as unauthorized when that one is refused too', async () => {
    const token = vi.fn(() => 'bad')
    const transport = open({ token })
    await pass()
    relay.isAnswering = false
    relay.close(4401, 'expired')
    await pass()
    relay.close(4401, 'expired')
    await pass(60_000)
    expect(token).toHaveBeenCalledTimes(2)
    expect(transport.status).toMatchObject({ state: 'closed', reason: 'unauthorized', error: { code: 'unauthorized' } })
    expect(codes()).toEqual(['unauthorized'])
  })

  it('ends as unauthorized at once with a fixed token, and comes back with a new one', async () => {
    const transport = open({ token: 'old' })
    await pass()
    relay.close(4401)
    await pass(60_000)
    expect(transport.status).toMatchObject({ state: 'closed', reason: 'unauthorized' })
    transport.setToken('new')
    await pass()
    expect(relay.sent('hello').map(({ token }) => token)).toEqual(['old', 'new'])
    expect(transport.status.state).toBe('online')
  })

  it.each(['while it is asked for the old one', 'after the hello with the old one'])(
    'dials again with a new token that comes %s',
    async (moment) => {
      const isLate = moment.startsWith('after')
      relay.isAnswering = false
      const transport = open({ token: isLate ? 'old' : () => new Promise<string>(() => undefined) })
      await pass()
      relay.isAnswering = true
      transport.setToken('new')
      await pass()
      expect(relay.sent('hello').at(-1)?.token).toBe('new')
      expect(transport.status.state).toBe('online')
    },
  )

  it('dials at once with a new token, however long the old one has failed', async () => {
    const token = vi.fn<() => Promise<string>>(() => Promise.reject(new Error('signed out')))
    const transport = open({ token })
    await pass(120_000)
    token.mockReturnValue(new Promise<string>(() => undefined))
    transport.connect()
    await pass(0)
    transport.setToken('new')
    await pass()
    expect(transport.status.state).toBe('online')
  })

  it('takes the answer to the newest of several tokens, whichever comes last', async () => {
    const transport = open({ token: 'old' })
    await pass()
    let answer = (_token: string): void => undefined
    transport.setToken(() => new Promise<string>((resolve) => (answer = resolve)))
    transport.setToken('newest')
    await pass()
    answer('slow')
    await pass()
    expect(relay.sent('token').map(({ token }) => token)).toEqual(['newest'])
  })

  it('tells a token function that gives no text', async () => {
    open({ token: () => null as unknown as string })
    await pass()
    expect(codes()).toEqual(['token-failed'])
    expect(errors[0]?.cause).toBeInstanceOf(TypeError)
  })

  it.each(['<!doctype html><p>Sign in</p>', '"a.b.c"', '\uFEFFa.b.c', 'Bearer a.b.c', 'a.b.c\n'])(
    'tells a token that is a page, or has quotes, a mark, a word or a line break around it: %j',
    async (text) => {
      open({ token: () => text })
      await pass()
      expect(codes()).toEqual(['token-failed'])
      expect(errors[0]?.cause).toMatchObject({ message: expect.stringContaining('no space, quote or <') })
      expect(relay.sent('hello')).toEqual([])
    },
  )

  it('hands a new token to the connection that is there', async () => {
    const transport = open({ token: 'old' })
    await pass()
    transport.setToken(() => Promise.resolve('new'))
    await pass()
    expect(relay.sent('token')).toEqual([{ type: 'token', token: 'new' }])
  })
})

describe('coming back', () => {
  it('G9 waits with full jitter, up to as long as it has been away, at most half a minute', async () => {
    relay.stop()
    open()
    const bounds: [away: number, wait: number][] = []
    const begin = Date.now()
    while (Date.now() - begin < 120_000) {
      await vi.waitUntil(() => statuses.at(-1)?.state === 'waiting')
      bounds.push([(statuses.at(-1)?.since ?? 0) - begin, wait()])
      await pass(wait() + 1)
    }
    expect(bounds.length).toBeGreaterThan(10)
    for (const [index, [away, milliseconds]] of bounds.entries()) {
      const half = Math.min(Math.max(away, index === 0 ? 1000 : 2500), 30_000) / 2
      expect(Math.abs(milliseconds - half)).toBeLessThan(2)
    }
  })

  it('starts small again only after a connection that lasted', async () => {
    open()
    await pass()
    relay.close(1006)
    await pass(1000)
    await pass(3000)
    relay.close(1006)
    await pass()
    expect(wait()).toBeGreaterThan(1500)
    await pass(wait())
    await pass(5000)
    relay.close(1006)
    await pass()
    expect(wait()).toBe(500)
  })

  it('P13.7 comes back at once and without jitter after 4508', async () => {
    open()
    await pass()
    relay.close(4508)
    await pass()
    expect(states()).toEqual(['connecting', 'online', 'waiting', 'connecting', 'online'])
  })

  it('P8.6 and P13.6 comes back when the relay said it should', async () => {
    open()
    await pass()
    relay.send({ type: 'goodbye', retryAfter: 3210, reason: 'restart' })
    relay.close(4503)
    await pass()
    expect(wait()).toBe(3210)
  })

  it('P13.6 spreads over 5 seconds after a restart that said nothing', async () => {
    open()
    await pass()
    relay.close(4503)
    await pass()
    expect(wait()).toBe(2500)
  })

  it('P13.8 waits for 10 seconds or more after 4529', async () => {
    open()
    await pass()
    relay.close(4529)
    await pass()
    expect(wait()).toBe(10_500)
  })

  it('P8.6 and P13.8 waits after 4529 for as long as the relay asked for, and longer by its backoff', async () => {
    open()
    await pass()
    relay.send({ type: 'goodbye', retryAfter: 2000, reason: 'too-many' })
    relay.close(4529)
    await pass()
    expect(wait()).toBe(2500)
  })

  it.each([1000, 1001, 1006, 1011, 1012, 1013, 4500, 4509])('P13.1 dials again after %i', async (code) => {
    open()
    await pass()
    relay.close(code)
    await pass()
    expect(wait()).toBe(500)
    await pass(600)
    expect(states().at(-1)).toBe('online')
  })

  it.each<[number, CloseReason, string]>([
    [4401, 'unauthorized', 'setToken()'],
    [4403, 'forbidden', '--origin'],
    [4426, 'version', 'Update'],
    [4499, 'refused', 'log'],
  ])('P13.5 stops after %i and tells why, and what to do', async (code, reason, advice) => {
    const transport = open()
    await pass()
    relay.close(code, 'relay says why')
    await pass(60_000)
    expect(transport.status).toMatchObject({ state: 'closed', reason })
    expect(errors).toMatchObject([{ code: reason, message: expect.stringContaining('relay says why') as string }])
    expect(errors[0]?.message).toContain(advice)
    transport.connect()
    await pass()
    expect(transport.status.state).toBe('online')
  })

  it.each([1009, 4413])('tells that a frame was too large after %i, and dials', async (code) => {
    open()
    await pass()
    relay.close(code)
    await pass(1000)
    expect([tooLarge, states().at(-1)]).toEqual([1, 'online'])
  })

  it('reports the true reason of a broken connection', async () => {
    open()
    await pass()
    relay.close(1006)
    await pass()
    expect(statuses.at(-1)).toMatchObject({ state: 'waiting', reason: '1006' })
  })

  it('G11 leaves no timer in any state', async () => {
    relay.isAnswering = false
    const dialing = open()
    dialing.close()
    await pass(0)
    expect(vi.getTimerCount()).toBe(0)
    const greeting = open()
    await pass()
    greeting.close()
    await pass()
    expect(vi.getTimerCount()).toBe(0)
    const waiting = open()
    await pass()
    relay.close(1006)
    await pass()
    waiting.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the life of the page', () => {
  it('suspends the connection, tells that the page is put aside, and dials at once when it is back', async () => {
    open()
    await pass()
    happen('pagehide')
    await pass(60_000)
    expect([states().at(-1), aside, relay.sockets[0]?.readyState]).toEqual(['suspended', 1, 3])
    happen('pageshow', { persisted: true })
    await pass()
    expect(states()).toEqual(['connecting', 'online', 'suspended', 'connecting', 'online'])
  })

  it('suspends while it dials and while it waits, and comes back from both', async () => {
    relay.stop()
    open()
    happen('pagehide')
    happen('pageshow', { persisted: true })
    await pass()
    happen('pagehide')
    expect(states()).toEqual(['connecting', 'suspended', 'connecting', 'waiting', 'suspended'])
    relay = startMockRelay()
    happen('pageshow', { persisted: true })
    await pass()
    expect(states().at(-1)).toBe('online')
  })

  it('G8 replaces a silent connection within 5 seconds of a signal that it should have carried', async () => {
    const transport = open()
    await pass()
    relay.isAnswering = false
    transport.send('{"type":"leave","room":"a"}')
    await pass(4600)
    expect(states()).toContain('waiting')
    expect(statuses.find(({ state }) => state === 'waiting')).toMatchObject({ reason: 'no answer' })
    relay.isAnswering = true
    await pass(12_000)
    expect(states().at(-1)).toBe('online')
  })

  it('pings when the page is visible again after a while, and keeps a connection that answers', async () => {
    open()
    await pass()
    hide(true)
    await pass(10_000)
    hide(false)
    await pass(3000)
    expect([relay.sent('ping').length, states()]).toEqual([1, ['connecting', 'online']])
  })

  it('dials out of a wait when the network is back, the failures forgotten, but not more than once in a second', async () => {
    relay.stop()
    open()
    await pass(9000)
    const failed = statuses.length
    relay = startMockRelay()
    await pass(1100)
    happen('online')
    happen('online')
    await pass()
    expect(statuses[failed]).toMatchObject({ state: 'connecting', attempt: 1 })
    expect(states().at(-1)).toBe('online')
    expect(relay.sent('hello')).toHaveLength(1)
  })

  it('dials within a second when the page wakes just after a dial in vain, however long it was away', async () => {
    relay.stop()
    const transport = open()
    await pass(60_000)
    transport.connect()
    await pass()
    expect(wait()).toBeGreaterThan(5000)
    relay = startMockRelay()
    happen('online')
    await pass(1100)
    expect(states().at(-1)).toBe('online')
  })

  it('drops an attempt that hangs when the page wakes', async () => {
    relay.isAnswering = false
    open()
    await pass(2000)
    relay.isAnswering = true
    happen('online')
    await pass()
    expect(states()).toEqual(['connecting', 'waiting', 'connecting', 'online'])
  })

  it('never closes a connection because the network is reported as gone', async () => {
    open()
    await pass()
    happen('offline')
    await pass(10_000)
    expect(states()).toEqual(['connecting', 'online'])
  })

  it('is in no hurry while nobody sees the page', async () => {
    hide(true)
    open()
    await pass()
    relay.close(1006)
    await pass()
    expect(wait()).toBe(5000)
    hide(false)
  })

  it('does not dial while the page is only prepared', async () => {
    Object.assign(document, { prerendering: true })
    open()
    await pass()
    expect(states()).toEqual([])
    Object.assign(document, { prerendering: false })
    document.dispatchEvent(new Event('prerenderingchange'))
    await pass()
    expect(states()).toEqual(['connecting', 'online'])
    Reflect.deleteProperty(document, 'prerendering')
  })

  it('never revives what the page or the relay has closed', async () => {
    const transport = open()
    await pass()
    relay.close(4403)
    await pass()
    happen('online')
    happen('pageshow', { persisted: true })
    await pass()
    expect(states().at(-1)).toBe('closed')
    transport.close()
    transport.connect()
    happen('pageshow', { persisted: true })
    await pass()
    expect(relay.sent('hello')).toHaveLength(1)
  })
})

describe('the end of a token', () => {
  it('is met once in half of a life that is short, and at most once a second', async () => {
    const token = vi.fn(() => 'x')
    open({ token })
    const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 1000, window: 1 } as const
    relay.isAnswering = false
    await pass()
    for (let second = 0; second < 20; second += 1) {
      relay.send({ ...welcome, expiresIn: 20_000 })
      await pass(1000)
    }
    expect(token).toHaveBeenCalledTimes(1)
    relay.send({ ...welcome, expiresIn: 0 })
    await pass(900)
    expect(token).toHaveBeenCalledTimes(1)
  })

  it('is met with a fresh one half a minute before, on the same connection', async () => {
    let count = 0
    open({ token: () => `token-${++count}` })
    const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 1000, window: 1 } as const
    relay.isAnswering = false
    await pass()
    relay.send({ ...welcome, expiresIn: 70_000 })
    for (let beat = 0; beat < 39; beat += 1) {
      await pass(1000)
      relay.send({ type: 'beat' })
    }
    expect(relay.sent('token')).toEqual([])
    await pass(1500)
    expect(relay.sent('token')).toEqual([{ type: 'token', token: 'token-2' }])
    relay.send({ ...welcome, expiresIn: 3_600_000 })
    expect(states()).toEqual(['connecting', 'online'])
  })
})

describe('listeners that act', () => {
  it.each(['connecting', 'online', 'waiting'])('may close the connection while %s is being told', async (state) => {
    act = () => {
      if (statuses.at(-1)?.state === state) transports[0]?.close()
    }
    open()
    await pass()
    relay.close(1006)
    await pass(60_000)
    expect(states().at(-1)).toBe('closed')
    expect(relay.sockets).toHaveLength(state === 'connecting' ? 0 : 1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('may dial at once when a wait is being told', async () => {
    act = () => {
      if (statuses.at(-1)?.state === 'waiting') transports[0]?.connect()
    }
    open()
    await pass()
    relay.close(1006)
    await pass(10_000)
    expect(states()).toEqual(['connecting', 'online', 'waiting', 'connecting', 'online'])
  })
})

describe('a relay that sends everybody away at once', () => {
  it.each([
    [4508, undefined],
    [4503, 0],
    [1012, 0],
    [4401, undefined],
  ])('is not dialed in a hot loop: %i', async (code, retryAfter) => {
    open({ token: () => 'x' })
    for (let round = 0; round < 100; round += 1) {
      await pass(100)
      if (statuses.at(-1)?.state !== 'online') continue
      if (retryAfter !== undefined) relay.send({ type: 'goodbye', retryAfter, reason: '' })
      relay.close(code)
    }
    expect(relay.sent('hello').length).toBeLessThan(20)
  })
})

describe('a hello', () => {
  it('holds no signal for the reason when the relay finds the hello too large', async () => {
    relay.isAnswering = false
    open()
    await pass()
    relay.close(1009)
    await pass()
    expect([tooLarge, states().at(-1)]).toEqual([0, 'waiting'])
  })
})

describe('wrong servers', () => {
  it('tells a page that was never online when nothing answers, once, and keeps trying', async () => {
    relay.stop()
    const transport = open({ url: `${RELAY_URL}?key=hunter2` })
    await pass(120_000)
    expect(codes()).toEqual(['unreachable'])
    expect(errors[0]?.message).toContain(RELAY_URL)
    expect(errors[0]?.message).toContain('--origin')
    expect(errors[0]?.message).not.toContain('hunter2')
    expect(['waiting', 'connecting']).toContain(transport.status.state)
  })

  it('P13.8 does not blame the address when a relay has too many connections, and gives its reason', async () => {
    relay.isAnswering = false
    open()
    for (let count = 0; count < 5; count += 1) {
      await pass()
      relay.close(4529, 'too many connections from this network')
      await pass()
      expect(statuses.at(-1)).toMatchObject({ state: 'waiting', reason: '4529 too many connections from this network' })
      await pass(wait())
    }
    expect(codes()).toEqual([])
  })

  it.each([
    [() => Promise.resolve(new Response('', { status: 426 })), 'HTTP works (426)'],
    [() => Promise.reject(new TypeError('Failed to fetch')), `${RELAY_URL}. Check that it runs`],
    [() => new Promise<Response>(() => undefined), `${RELAY_URL}. Check that it runs`],
    [
      () => {
        throw new Error('a fetch of the page')
      },
      `${RELAY_URL}. Check that it runs`,
    ],
  ])('asks the address once by HTTP, without cookies', async (answer, advice) => {
    const fetch = vi.fn<typeof globalThis.fetch>(answer)
    vi.stubGlobal('fetch', fetch)
    relay.stop()
    open()
    await pass(120_000)
    expect(errors.map(({ code, message }) => [code, message.includes(advice)])).toEqual([['unreachable', true]])
    expect(fetch.mock.calls).toEqual([[RELAY_URL.replace('ws', 'http'), { mode: 'no-cors', credentials: 'omit' }]])
  })

  it('names a content policy only if it blocks the relay', async () => {
    relay.stop()
    const transport = open()
    const violation = { disposition: 'enforce', blockedURI: RELAY_URL }
    happen('securitypolicyviolation', { ...violation, blockedURI: 'https://analytics.example/' })
    happen('securitypolicyviolation', { ...violation, blockedURI: '' })
    happen('securitypolicyviolation', { ...violation, disposition: 'report' })
    await pass(120_000)
    transport.close()
    open()
    happen('securitypolicyviolation', violation)
    await pass(120_000)
    expect(errors.map(({ message }) => message.includes('connect-src'))).toEqual([false, true])
  })

  it('P12.2 tells a server that echoes, and does not hand it a signal', async () => {
    relay.isAnswering = false
    const transport = open()
    await pass()
    relay.send('{"type":"hello","v":1,"tab":"x","rooms":[]}')
    await pass()
    expect(codes()).toEqual(['no-protocol'])
    expect(errors[0]?.message).toContain("{ protocol: 'plain' }")
    expect([transport.status.state, frames]).toEqual(['waiting', []])
  })

  it.each(['hello there', '{"type":"signal"}', '[]', '{"type":"beat"}'])(
    'tells a server whose first frame is %s',
    async (text) => {
      relay.isAnswering = false
      open()
      await pass()
      relay.send(text)
      expect(codes()).toEqual(['no-protocol'])
    },
  )

  it('tells a server that takes the connection and stays silent', async () => {
    relay.isAnswering = false
    open()
    await pass(5100)
    expect([codes(), states().includes('waiting')]).toEqual([['no-protocol'], true])
  })

  it('P1.9 tells a malformed frame and ignores one of a later version', async () => {
    const transport = open()
    await pass()
    relay.send('not json', '{"type":"signal"}', '{"type":"from-the-future"}', '{"type":"beat"}')
    expect(codes()).toEqual(['bad-frame', 'bad-frame'])
    expect([transport.status.state, frames.map(({ type }) => type)]).toEqual(['online', ['welcome', 'beat']])
  })
})

describe('plain mode', () => {
  it('P12.1 is online when the socket opens, says no hello, and hears signals only', async () => {
    open({ protocol: 'plain', token: 'secret' })
    await pass()
    expect([states(), relay.frames]).toEqual([['connecting', 'online'], []])
    relay.send(
      'noise',
      '{"type":"greeting"}',
      '{"type":"goodbye","retryAfter":99999999,"reason":""}',
      '{"type":"welcome","v":1,"tab":"evil","beat":1,"maxBytes":1,"window":1}',
      '{"type":"signal","signal":"A","data":1,"offset":7}',
      '{"type":"signal","signal":"*"}',
    )
    expect(frames.filter(({ type }) => type === 'signal')).toMatchObject([
      { type: 'signal', signal: 'A', data: 1, room: 'main', offset: 0, sender: {} },
    ])
    expect(codes()).toEqual([])
  })

  it('P12.1 never tells the token', async () => {
    const transport = open({ protocol: 'plain', token: 'secret' })
    await pass()
    transport.setToken('secret2')
    await pass()
    expect(JSON.stringify(relay.frames)).not.toContain('secret')
  })
})

describe('a replay that takes long', () => {
  const COUNT = 200

  /** Frames that arrive in one task, and of which each takes a millisecond. */
  function replay(): void {
    const clock = performance.now.bind(performance)
    let spent = 0
    vi.spyOn(performance, 'now').mockImplementation(() => clock() + spent)
    const add = frames.push.bind(frames)
    frames.push = (...added) => {
      spent += 1
      return add(...added)
    }
    for (let offset = 1; offset <= COUNT; offset += 1) relay.deliver('A')
    vi.advanceTimersByTime(50)
  }

  const signals = (): number => frames.filter(({ type }) => type === 'signal').length
  const task = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

  async function begin(): Promise<Transport> {
    vi.stubGlobal('MessageChannel', MessageChannel)
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] })
    const transport = open()
    await pass()
    replay()
    return transport
  }

  it('arrives in slices, in order, and a later signal stays behind it', async () => {
    await begin()
    expect(signals()).toBeLessThan(COUNT / 2)
    relay.deliver('Last')
    vi.advanceTimersByTime(50)
    while (signals() <= COUNT) await task()
    const offsets = frames.flatMap((frame) => (frame.type === 'signal' ? [frame.offset] : []))
    expect(offsets).toEqual(Array.from({ length: COUNT + 1 }, (_, index) => index + 1))
    expect(frames.at(-1)).toMatchObject({ signal: 'Last' })
  })

  it('is handed over before the status of the end is told', async () => {
    await begin()
    relay.close(1012)
    vi.advanceTimersByTime(50)
    expect(states()).toEqual(['connecting', 'online'])
    while (states().length < 3) await task()
    expect([signals(), states()]).toEqual([COUNT, ['connecting', 'online', 'waiting']])
  })

  it('ends when the page closes the client in the middle', async () => {
    const transport = await begin()
    const before = signals()
    transport.close()
    await task()
    await task()
    expect(signals()).toBe(before)
  })

  it('G8 counts as heard while it waits', async () => {
    await begin()
    vi.advanceTimersByTime(20_000)
    expect([relay.sent('ping'), states().at(-1)]).toEqual([[], 'online'])
  })
})
