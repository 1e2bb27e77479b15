import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, type ClientOptions, type SignalClient, type SignalStatus } from '../../src/index.js'
import { pass, RELAY_URL, startMockRelay, WELCOME } from '../support/mock-relay.js'
import { happen, hide } from '../support/page-events.js'

let relay: ReturnType<typeof startMockRelay>
let client: SignalClient
let statuses: SignalStatus[]
let codes: string[]

function load(options: ClientOptions = {}): void {
  client = createSignalClient({ url: RELAY_URL, onError: ({ code }) => codes.push(code), ...options })
  client.onStatus((status) => statuses.push(status))
}

async function online(options?: ClientOptions): Promise<void> {
  load(options)
  await pass()
}

/** A page that has looked for its relay for a minute, and has just dialed in vain once more: the next wait is a long one. */
async function searchInVain(): Promise<void> {
  relay.stop()
  load()
  await pass(60_000)
  client.connect()
  await pass()
}

/** How long the wait of now is, in milliseconds; -1 where there is none. */
const wait = (): number => (client.status.state === 'waiting' ? client.status.retryAt - client.status.since : -1)
const tokens = (): (string | undefined)[] => relay.sent('hello').map(({ token }) => token)

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  relay = startMockRelay()
  statuses = []
  codes = []
})

afterEach(async () => {
  client.close()
  await pass()
  expect(vi.getTimerCount()).toBe(0)
  relay.stop()
  vi.useRealTimers()
})

describe('the first wait', () => {
  it('G9 is at most a second, however late the page asked to connect', async () => {
    relay.stop()
    load({ connect: 'manual' })
    await pass(60_000)
    client.connect()
    await pass()
    expect(wait()).toBe(500)
  })

  it('G9 is at most a second when a new token revives a connection that ended long ago', async () => {
    load({ token: 'old' })
    await pass(10_000)
    relay.close(4401)
    await pass(600_000)
    relay.stop()
    client.setToken('new')
    await pass()
    expect(wait()).toBe(500)
  })

  it('G9 is at most 2.5 seconds where the page woke while it connected', async () => {
    await searchInVain()
    relay = startMockRelay({ isAnswering: false })
    client.connect()
    await pass(1500)
    happen('online')
    await pass()
    relay.close(1006)
    await pass()
    expect(wait()).toBe(1250)
  })

  it('P13.7 is 5 seconds or more in a tab that nobody sees, even where the relay asks for none', async () => {
    await online()
    hide(true)
    relay.close(4508)
    await pass()
    expect(wait()).toBeGreaterThanOrEqual(5000)
  })
})

describe('a page that wakes', () => {
  it('dials again as soon as a second is over where the dial before hangs', async () => {
    relay.isAnswering = false
    load()
    await pass(500)
    relay.isAnswering = true
    happen('online')
    await pass(400)
    const hellos = relay.sent('hello').length
    await pass(300)
    expect([hellos, client.status.state]).toEqual([1, 'online'])
  })

  it('keeps a dial that is answered within the second', async () => {
    relay.isAnswering = false
    load()
    await pass(500)
    happen('online')
    await pass(300)
    relay.send(WELCOME)
    relay.isAnswering = true
    await pass(3000)
    expect([relay.sent('hello').length, client.status.state]).toEqual([1, 'online'])
  })

  it('tells when it dials, though that is sooner than it was', async () => {
    await searchInVain()
    const told = statuses.length
    happen('online')
    const { retryAt = 0 } = client.status as { retryAt?: number }
    await pass(1100)
    const dialedAt = statuses.slice(told).find(({ state }) => state === 'connecting')?.since ?? 0
    expect(Math.abs(dialedAt - retryAt)).toBeLessThan(5)
  })

  it('is not one that hears that the network is gone: its wait stays as it is', async () => {
    await searchInVain()
    const before = client.status
    happen('offline')
    await pass(1500)
    expect(client.status).toBe(before)
  })

  it('has a connection where a listener asks for one while it is being put aside', async () => {
    await online()
    client.onStatus(({ state }) => {
      if (state === 'suspended') client.connect()
    })
    happen('pagehide')
    await pass()
    expect([client.status.state, relay.sent('hello').length]).toEqual(['online', 2])
  })
})

describe('another kind of network', () => {
  let network: EventTarget & { type?: string }

  beforeEach(() => {
    network = Object.assign(new EventTarget(), { type: 'wifi' })
    Object.defineProperty(navigator, 'connection', { configurable: true, value: network })
  })

  afterEach(() => void Reflect.deleteProperty(navigator, 'connection'))

  function changeTo(...types: readonly string[]): void {
    for (const type of types) {
      network.type = type
      happen('change', {}, network)
    }
  }

  it('pings the relay a second later, once for several changes, even if data has just arrived', async () => {
    await online()
    await pass(10_000)
    relay.send({ type: 'beat' })
    changeTo('cellular', 'ethernet')
    await pass(900)
    const early = relay.sent('ping').length
    await pass(200)
    expect([early, relay.sent('ping').length]).toEqual([0, 1])
  })

  it('is not another speed of the same one', async () => {
    await online()
    await pass(10_000)
    changeTo('wifi', 'wifi')
    await pass(3000)
    expect(relay.sent('ping')).toEqual([])
  })
})

describe('a welcome that does not come', () => {
  it('is no evidence where the timer was held back; it is waited for anew', async () => {
    relay.isAnswering = false
    load()
    await pass()
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    await pass(5500)
    const early = [...codes]
    await pass(6000)
    expect([early, codes]).toEqual([[], ['no-protocol']])
  })

  it('does not make a wrong server of a relay that welcomed the page before; it is dialed again', async () => {
    await online()
    relay.isAnswering = false
    relay.close(1006)
    await pass(7000)
    relay.isAnswering = true
    await pass(7000)
    expect([codes, client.status.state]).toEqual([[], 'online'])
  })
})

describe('a relay that finds bad frames', () => {
  it.each<[string, () => unknown]>([
    ['good connections between them', () => pass(6000)],
    ['wakes between them', () => happen('online')],
  ])('P13.3 is dialed no more after three in a minute: %s', async (_what, between) => {
    await online()
    for (let count = 0; count < 3; count += 1) {
      relay.close(4400, 'bad frame')
      await pass()
      await between()
      await pass(2000)
    }
    expect([client.status, codes]).toMatchObject([{ state: 'closed', reason: 'refused' }, ['refused']])
  })

  it('P13.3 is dialed again after three in more than a minute', async () => {
    await online()
    for (let count = 0; count < 3; count += 1) {
      relay.close(4400, 'bad frame')
      await pass(31_000)
    }
    expect([client.status.state, codes]).toEqual(['online', []])
  })
})

describe('a relay that announces a beat of ages', () => {
  it('makes no timer fire again and again', async () => {
    relay.isAnswering = false
    load()
    await pass()
    relay.send({ ...WELCOME, beat: 9e15 })
    const set = vi.spyOn(globalThis, 'setTimeout')
    await pass(1000)
    expect(set.mock.calls.length).toBeLessThan(10)
  })
})

describe('a new token that the connection cannot take, as it is of another user', () => {
  it('P13.4 is tried on a new connection', async () => {
    await online({ token: 'ann' })
    client.setToken('bob')
    await pass()
    relay.close(4401)
    await pass(1000)
    expect([relay.sent('token').length, tokens(), client.status.state]).toEqual([1, ['ann', 'bob'], 'online'])
  })

  it('P13.4 is tried there once: refused again, it ends the connection', async () => {
    await online({ token: 'ann' })
    relay.isAnswering = false
    client.setToken('bob')
    await pass()
    relay.close(4401)
    await pass(1000)
    relay.close(4401)
    await pass(60_000)
    expect([tokens(), client.status, codes]).toMatchObject([
      ['ann', 'bob'],
      { state: 'closed', reason: 'unauthorized' },
      ['unauthorized'],
    ])
  })
})
