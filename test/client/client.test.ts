import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createSignalClient,
  getPageClient,
  nextSignal,
  onPageClient,
  onSignalStatus,
  receiveSignal,
  sendSignal,
  setPageClient,
  signalStream,
  type ClientOptions,
  type SignalClient,
  type SignalError,
  type SignalStatus,
} from '../../src/index.js'
import { pass, RELAY_URL, startMockRelay, WELCOME } from '../support/mock-relay.js'
import { happen } from '../support/page-events.js'

let relay: ReturnType<typeof startMockRelay>
let clients: SignalClient[] = []
let errors: SignalError[] = []

function connect(options: ClientOptions = {}): SignalClient {
  const client = createSignalClient({ url: RELAY_URL, onError: (error) => errors.push(error), ...options })
  clients.push(client)
  return client
}

async function online(options?: ClientOptions): Promise<SignalClient> {
  const client = connect(options)
  await pass()
  return client
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  relay = startMockRelay()
  errors = []
})

afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  await pass()
  expect(vi.getTimerCount()).toBe(0)
  relay.stop()
  vi.useRealTimers()
})

const codes = (): string[] => errors.map(({ code }) => code)

describe('sending', () => {
  it('P2.7 says hello first, then what was sent before there was a connection, in the order of the calls', async () => {
    const client = connect()
    const first = client.sendSignal('ReportIncome', { userId: 1 })
    const second = client.sendSignal('RefreshDashboard')
    await pass()
    expect(relay.frames).toMatchObject([
      { type: 'hello', v: 1, rooms: [] },
      { type: 'signal', signal: 'ReportIncome', data: { userId: 1 } },
      { type: 'signal', signal: 'RefreshDashboard' },
    ])
    expect(await Promise.all([first, second])).toMatchObject([{ outcome: 'accepted' }, { outcome: 'accepted' }])
  })

  it('P6.1 sends at once while online, under an id of 128 bits in base64url', async () => {
    const client = await online()
    const { id, outcome } = await Promise.all([client.sendSignal('A'), pass()]).then(([result]) => result)
    expect(id).toMatch(/^[\w-]{22}$/)
    expect(outcome).toBe('accepted')
  })

  it('P2.7 and P6.1 sends again, under the same ids and in the original order, what was not accepted when the line broke', async () => {
    const client = await online()
    relay.isAnswering = false
    const results = [client.sendSignal('A', 1), client.sendSignal('A', 2)]
    await pass()
    relay.close(1006)
    relay.isAnswering = true
    results.push(client.sendSignal('A', 3))
    await pass(2000)
    expect((await Promise.all(results)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted'])
    const sent = relay.sent('signal')
    expect(sent.map(({ data }) => data)).toEqual([1, 2, 1, 2, 3])
    expect(sent[0]?.id).toBe(sent[2]?.id)
  })

  it('P6.12 says of a signal whether earlier ones are unanswered, also when it is sent again', async () => {
    const client = await online()
    const flags = (): unknown[] => relay.sent('signal').map(({ pipelined }) => pipelined)
    relay.isAnswering = false
    for (const data of [1, 2, 3]) void client.sendSignal('A', data)
    await pass()
    expect(flags()).toEqual([undefined, true, true])
    relay.close(1006)
    await pass(2000)
    relay.frames.length = 0
    relay.send(WELCOME)
    await pass()
    expect(flags()).toEqual([undefined, true, true])
    relay.send({ type: 'accepted', ids: relay.sent('signal').map(({ id }) => id) })
    void client.sendSignal('A', 4)
    await pass()
    expect(flags().at(-1)).toBe(undefined)
  })

  it('takes the data as it is at the call', async () => {
    const client = connect()
    const data = { userId: 1 }
    void client.sendSignal('A', data)
    data.userId = 2
    await pass()
    expect(relay.sent('signal')[0]?.data).toEqual({ userId: 1 })
  })

  it('lets the latest win among waiting signals of one name, room and key', async () => {
    const client = connect()
    const old = client.sendSignal('A', 1, { key: 'k' })
    void client.sendSignal('A', 2, { key: 'other' })
    void client.sendSignal('A', 3, { key: 'k', room: 'side' })
    void client.sendSignal('A', 4, { key: 'k' })
    expect(await old).toMatchObject({ outcome: 'dropped', error: { code: 'replaced' } })
    await pass()
    expect(relay.sent('signal').map(({ data }) => data)).toEqual([2, 3, 4])
    expect(codes()).toEqual([])
  })

  it('P6.11 never replaces a signal that a socket already had', async () => {
    const client = await online()
    relay.isAnswering = false
    const results = [client.sendSignal('A', 1, { key: 'k' }), client.sendSignal('A', 2, { key: 'k' })]
    await pass()
    const ids = relay.sent('signal').map(({ id }) => id)
    relay.send({ type: 'accepted', ids })
    expect((await Promise.all(results)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted'])
  })

  it('tells expired, which never left the page, from unknown, which may have arrived', async () => {
    relay.isAnswering = false
    const client = connect()
    const never = client.sendSignal('A', 1, { ttl: 1000 })
    await pass(1500)
    expect(await never).toMatchObject({ outcome: 'expired', error: { code: 'expired' } })
    relay.isAnswering = true
    await pass(30_000)
    expect(client.status.state).toBe('online')
    relay.isAnswering = false
    const perhaps = client.sendSignal('A', 2, { ttl: 1000 })
    await pass(1500)
    expect(await perhaps).toMatchObject({ outcome: 'unknown' })
    expect(codes().filter((code) => code === 'expired')).toHaveLength(2)
    expect(errors.at(-1)?.message).toContain('Send it again')
  })

  it('gives up after ten minutes at the latest', async () => {
    relay.stop()
    const client = connect()
    const result = client.sendSignal('A')
    await pass(600_000)
    expect(await result).toMatchObject({ outcome: 'expired' })
  })

  it.each([
    [900_000, 600_000],
    [300_000, 240_000],
    [60_000, 30_000],
  ])('S82 with a relay that remembers ids for %i ms, gives up on what it sent after %i ms', async (window, limit) => {
    const client = await online()
    relay.isAnswering = false
    relay.send({ ...WELCOME, window })
    const result = client.sendSignal('A')
    const outcomes: string[] = []
    void result.then(({ outcome }) => outcomes.push(outcome))
    for (let passed = 0; passed < limit - 5000; passed += 5000) {
      relay.send({ type: 'beat' })
      await pass(5000)
    }
    expect(outcomes).toEqual([])
    await pass(5000)
    expect(outcomes).toEqual(['unknown'])
  })

  it('drops what no longer fits into 256 waiting signals, and keeps those', async () => {
    const client = connect()
    const results = Array.from({ length: 257 }, (_, index) => client.sendSignal('A', index))
    expect(await results[256]).toMatchObject({ outcome: 'dropped', error: { code: 'outbox-full' } })
    await pass()
    expect(relay.sent('signal')).toHaveLength(256)
    expect(codes()).toEqual(['outbox-full'])
    expect(errors[0]?.message).toContain('key')
  })

  it('drops what no longer fits into 1 MiB', async () => {
    const client = connect()
    const big = 'x'.repeat(60_000)
    const results = Array.from({ length: 18 }, () => client.sendSignal('A', big))
    expect(await results[17]).toMatchObject({ outcome: 'dropped' })
    await pass()
    expect((await Promise.all(results.slice(0, 17))).every(({ outcome }) => outcome === 'accepted')).toBe(true)
  })

  it('P6.10 ends as refused what the relay refuses, tells why, and never sends it again', async () => {
    const client = await online()
    relay.isAnswering = false
    const result = client.sendSignal('A')
    await pass()
    const [frame] = relay.sent('signal')
    relay.send({ type: 'refused', id: frame?.id ?? '', code: 'denied', text: 'Your token may not send A.' })
    expect(await result).toMatchObject({ outcome: 'refused', error: { code: 'refused' } })
    await pass()
    expect(errors[0]?.message).toContain('Your token may not send A.')
    relay.isAnswering = true
    relay.close(1006)
    await pass(1000)
    expect([client.status.state, relay.sent('signal').length]).toEqual(['online', 1])
  })

  it('settles a promise once, however often the relay answers', async () => {
    const client = await online()
    relay.isAnswering = false
    const result = client.sendSignal('A')
    await pass()
    const id = relay.sent('signal')[0]?.id ?? ''
    relay.send(
      { type: 'accepted', ids: [id] },
      { type: 'refused', id, code: 'denied', text: '' },
      { type: 'accepted', ids: [id, 'x'] },
    )
    expect(await result).toMatchObject({ outcome: 'accepted' })
    await pass()
    expect(codes()).toEqual([])
  })

  it('ends what waits as closed when the client is closed, and what is sent after that', async () => {
    const client = connect()
    const result = client.sendSignal('A')
    client.close()
    expect(await result).toMatchObject({ outcome: 'closed', error: { code: 'closed' } })
    expect(await client.sendSignal('A')).toMatchObject({ outcome: 'closed' })
    await pass()
    expect(codes()).toEqual([])
  })

  it('refuses a waiting signal that turns out larger than the relay takes', async () => {
    relay.stop()
    relay = startMockRelay({ maxBytes: 1024 })
    const client = connect()
    const results = [client.sendSignal('A', 'x'.repeat(2000)), client.sendSignal('A', 'small')]
    await pass()
    expect(await Promise.all(results)).toMatchObject([
      { outcome: 'refused', error: { code: 'too-large' } },
      { outcome: 'accepted' },
    ])
    expect(() => client.sendSignal('A', 'x'.repeat(2000))).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  it('keeps the waiting signal when the newer one of its key does not fit', async () => {
    relay.stop()
    const client = connect()
    for (let count = 0; count < 17; count += 1) void client.sendSignal('Fill', 'x'.repeat(60_000))
    const old = client.sendSignal('A', 1, { key: 'k' })
    const newer = client.sendSignal('A', 'x'.repeat(60_000), { key: 'k' })
    relay = startMockRelay()
    await pass(3000)
    expect(await Promise.all([old, newer])).toMatchObject([
      { outcome: 'accepted' },
      { outcome: 'dropped', error: { code: 'outbox-full' } },
    ])
  })

  it.each([1009, 4413])(
    'P13.2 ends the largest of the unanswered signals as too large when the relay closes with %i',
    async (code) => {
      const client = await online()
      relay.isAnswering = false
      const results = [10, 60_000, 20].map((size) => client.sendSignal('A', 'x'.repeat(size)))
      await pass()
      relay.isAnswering = true
      relay.close(code)
      await pass(2000)
      expect(await Promise.all(results)).toMatchObject([
        { outcome: 'accepted' },
        { outcome: 'refused', error: { code: 'too-large' } },
        { outcome: 'accepted' },
      ])
    },
  )

  it.each([
    ['a name that breaks the rule', 'bad-name', ['1st']],
    ['the wildcard as a name', 'bad-name', ['*']],
    ['a name of 129 characters', 'bad-name', ['x'.repeat(129)]],
    ['a room that breaks the rule', 'bad-name', ['A', 1, { room: 'a b' }]],
    ['a function in the data', 'bad-data', ['A', { save: () => 1 }]],
    ['a BigInt in the data', 'bad-data', ['A', { id: 1n }]],
    ['a symbol in the data', 'bad-data', ['A', { id: Symbol('s') }]],
    ['a number that is not finite', 'bad-data', ['A', { sum: Number.NaN }]],
    ['data over the limit', 'too-large', ['A', 'x'.repeat(70_000)]],
    ['data over the limit in bytes though not in characters', 'too-large', ['A', '\u20ac'.repeat(30_000)]],
    ['an unknown option', 'bad-option', ['A', 1, { rooom: 'a' }]],
    ['an option of the wrong type', 'bad-option', ['A', 1, { room: 7 }]],
    ['a time limit over ten minutes', 'bad-option', ['A', 1, { ttl: 600_001 }]],
    ['a time limit of nothing', 'bad-option', ['A', 1, { ttl: 0 }]],
  ])('throws at the call for %s', async (_what, code, args) => {
    const client = await online()
    const send = client.sendSignal as (...all: unknown[]) => unknown
    expect(() => send(...args)).toThrow(expect.objectContaining({ name: 'SignalError', code }))
    expect(relay.sent('signal')).toEqual([])
  })

  it('throws at the call for data that holds itself', async () => {
    const client = await online()
    const loop: Record<string, unknown> = {}
    loop.self = loop
    expect(() => client.sendSignal('A', loop)).toThrow(expect.objectContaining({ code: 'bad-data' }))
  })

  it('says what to do with data that is not JSON, and keeps what threw as the cause', async () => {
    const client = await online()
    const cause = new Error('toJSON')
    const thrower = {
      toJSON() {
        throw cause
      },
    }
    const message = expect.stringContaining('Send plain values') as string
    expect(() => client.sendSignal('A', thrower)).toThrow(expect.objectContaining({ code: 'bad-data', message, cause }))
  })

  it('never quotes the data in an error', async () => {
    const client = await online()
    const loop: Record<string, unknown> = {}
    loop['hunter2'] = { loop }
    const thrower = {
      toJSON() {
        throw new Error('hunter2')
      },
    }
    for (const data of [{ secret: 'hunter2', f: () => 1 }, 'hunter2'.repeat(20_000), loop, thrower]) {
      expect(() => client.sendSignal('A', data)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') as string }),
      )
    }
  })
})

describe('receiving', () => {
  it('knows its own signals by what the relay says, not by an id that somebody chose', async () => {
    const client = await online()
    const heard: boolean[] = []
    client.receiveSignal('A', (_data, { self }) => heard.push(self))
    await pass()
    relay.deliver('A', { id: 'me-and-some-more-chars', sender: { tab: 'you' } })
    expect(heard).toEqual([false])
  })

  it('G6 gives a module that loads late what came for it while the page was loading', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('A', (data) => heard.push(['A', data]))
    await pass()
    relay.deliver('A', { data: 1 })
    relay.deliver('B', { data: 2 })
    relay.deliver('B', { data: 3, room: 'main' })
    await pass(100)
    client.receiveSignal('B', (data, { replayed }) => heard.push(['B', data, replayed]))
    client.receiveSignal('B', (data) => heard.push(['again', data]))
    expect(heard).toEqual([['A', 1]])
    await pass()
    relay.deliver('B', { data: 4 })
    expect(heard).toEqual([
      ['A', 1],
      ['B', 2, true],
      ['again', 2],
      ['B', 3, true],
      ['again', 3],
      ['B', 4, false],
      ['again', 4],
    ])
  })

  it('G6 gives it to a module that loads late also where another receiver hears every name', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('*', (data) => heard.push(['every', data]))
    await pass()
    relay.deliver('A', { data: 1 })
    await pass()
    client.receiveSignal('A', (data, { replayed }) => heard.push(['A', data, replayed]))
    await pass()
    relay.deliver('A', { data: 2 })
    expect(heard).toEqual([
      ['every', 1],
      ['A', 1, true],
      ['A', 2, false],
      ['every', 2],
    ])
  })

  it("G6 gives a '*' that loads late what only a receiver by name has heard", async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('A', (data) => heard.push(['A', data]))
    await pass()
    relay.deliver('A', { data: 1 })
    await pass()
    client.receiveSignal('*', (data) => heard.push(['every', data]))
    await pass()
    expect(heard).toEqual([
      ['A', 1],
      ['every', 1],
    ])
  })

  it('gives a second receiver of a name nothing from before its call', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('*', (data) => heard.push(['every', data]), { once: true })
    client.receiveSignal('A', (data) => heard.push(['first', data]), { once: true })
    await pass()
    relay.deliver('A', { data: 1 })
    relay.deliver('A', { data: 2 })
    await pass()
    client.receiveSignal('A', (data) => heard.push(['second', data]), { once: true })
    client.receiveSignal('*', (data) => heard.push(['every again', data]), { room: 'side' })
    await pass()
    relay.deliver('A', { data: 3 })
    expect(heard).toEqual([
      ['first', 1],
      ['every', 1],
      ['second', 3],
    ])
  })

  it('keeps the newest of what nobody hears, and lets go of it when the page has been loaded', async () => {
    const client = await online()
    client.receiveSignal('A', () => undefined)
    await pass()
    for (let count = 1; count <= 2000; count += 1) relay.deliver(count % 2 ? 'B' : 'C', { data: count })
    const heard: unknown[] = []
    client.receiveSignal('B', (data) => heard.push(data))
    await pass()
    expect([heard.length > 100, heard.length < 400, heard.at(-1)]).toEqual([true, true, 1999])
    vi.advanceTimersByTime(60_000)
    vi.spyOn(performance, 'now').mockReturnValue(0)
    client.receiveSignal('C', (data) => heard.push(['late', data]))
    await pass()
    expect(heard.at(-1)).toBe(1999)
  })

  it('forgets what nobody heard when the page has long been loaded', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(70_000)
    const client = await online()
    client.receiveSignal('A', () => undefined)
    await pass()
    relay.deliver('B', { data: 1 })
    const heard = vi.fn()
    client.receiveSignal('B', heard)
    await pass()
    expect(heard).not.toHaveBeenCalled()
  })

  it('calls the handler with the data and the signal', async () => {
    const client = await online()
    const handler = vi.fn()
    client.receiveSignal('A', handler)
    await pass()
    relay.deliver('A', { data: { userId: 1 }, sender: { tab: 'you', user: 'ann' }, at: 99 })
    expect(handler.mock.calls).toEqual([
      [
        { userId: 1 },
        {
          name: 'A',
          data: { userId: 1 },
          room: 'main',
          id: 'id-main-1',
          at: 99,
          sender: { tab: 'you', user: 'ann' },
          self: false,
          replayed: false,
        },
      ],
    ])
  })

  it("hears every name with '*', and only its own with a name", async () => {
    const client = await online()
    const heard: string[] = []
    client.receiveSignal('*', (_data, { name }) => heard.push(`* ${name}`))
    client.receiveSignal('A', (_data, { name }) => heard.push(name))
    await pass()
    relay.deliver('A')
    relay.deliver('constructor')
    expect(heard).toEqual(['A', '* A', '* constructor'])
  })

  it('knows its own signals, and keeps them from receivers of others', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('A', (data, { self }) => heard.push([data, self]))
    client.receiveSignal('A', (data) => heard.push([data, 'others']), { from: 'others' })
    await pass()
    relay.deliver('A', { data: 1, sender: { tab: 'me' } })
    relay.deliver('A', { data: 2, sender: { tab: 'you' } })
    expect(heard).toEqual([
      [1, true],
      [2, false],
      [2, 'others'],
    ])
  })

  it('asks the predicate', async () => {
    const client = await online()
    const handler = vi.fn()
    client.receiveSignal('A', handler, { where: ({ data }) => data === 2 })
    await pass()
    relay.deliver('A', { data: 1 })
    relay.deliver('A', { data: 2 })
    expect(handler.mock.calls.map(([data]) => data as unknown)).toEqual([2])
  })

  it('stops after one signal with once, when the signal aborts, and when stop is called, twice being harmless', async () => {
    const client = await online()
    const heard: string[] = []
    const abort = new AbortController()
    client.receiveSignal('A', () => heard.push('once'), { once: true })
    client.receiveSignal('A', () => heard.push('abort'), { signal: abort.signal })
    client.receiveSignal('A', () => heard.push('never'), { signal: AbortSignal.abort() })
    const stop = client.receiveSignal('A', () => heard.push('stop'))
    await pass()
    relay.deliver('A')
    abort.abort()
    stop()
    stop()
    relay.deliver('A')
    expect(heard).toEqual(['once', 'abort', 'stop'])
  })

  it('registers the same function, name and options once', async () => {
    const client = await online()
    const handler = vi.fn()
    const first = client.receiveSignal('A', handler)
    const second = client.receiveSignal('A', handler)
    client.receiveSignal('A', handler, { room: 'main', once: false, from: 'anyone' })
    client.receiveSignal('A', handler, { from: 'others' })
    await pass()
    relay.deliver('A', { sender: { tab: 'me' } })
    expect(handler).toHaveBeenCalledTimes(1)
    expect(first).toBe(second)
  })

  it('G10 isolates handlers: one that throws or rejects harms no other, and is told', async () => {
    const client = await online()
    const heard = vi.fn()
    client.receiveSignal('A', () => {
      throw new Error('sync')
    })
    client.receiveSignal('A', async () => {
      throw new Error('async')
    })
    client.receiveSignal('A', heard)
    await pass()
    relay.deliver('A')
    relay.deliver('A')
    await pass()
    expect(heard).toHaveBeenCalledTimes(2)
    expect(new Set(errors.map(({ message }) => message.slice(0, 20)))).toEqual(new Set(['A handler of A threw']))
    expect(errors.map(({ code, cause }) => [code, (cause as Error).message]).toSorted()).toEqual([
      ['handler-threw', 'async'],
      ['handler-threw', 'async'],
      ['handler-threw', 'sync'],
      ['handler-threw', 'sync'],
    ])
  })

  it('does not call a handler any more that an earlier one stopped during the same signal', async () => {
    const client = await online()
    const late = vi.fn()
    let stop = (): void => undefined
    client.receiveSignal('A', () => stop())
    stop = client.receiveSignal('A', late)
    await pass()
    relay.deliver('A')
    expect(late).not.toHaveBeenCalled()
  })

  it.each([
    ['a name that breaks the rule', 'bad-name', ['no name', () => 1]],
    ['no handler', 'bad-option', ['A']],
    ['an unknown option', 'bad-option', ['A', () => 1, { filter: 1 }]],
    ['a wrong choice', 'bad-option', ['A', () => 1, { from: 'me' }]],
    ['a room that breaks the rule', 'bad-name', ['A', () => 1, { room: '' }]],
    ['a controller instead of its signal', 'bad-option', ['A', () => 1, { signal: new AbortController() }]],
    ['a list of options', 'bad-option', ['A', () => 1, []]],
  ])('throws at the call for %s', async (_what, code, args) => {
    const client = await online()
    const receive = client.receiveSignal as (...all: unknown[]) => unknown
    expect(() => receive(...args)).toThrow(expect.objectContaining({ code }))
  })

  it('registers nothing when it throws, and closes afterwards', async () => {
    const client = await online()
    const handler = vi.fn()
    const options = { signal: new AbortController() as unknown as AbortSignal }
    expect(() => client.receiveSignal('A', handler, options)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('controller.signal') as string }),
    )
    await pass()
    relay.deliver('A')
    client.close()
    expect([handler.mock.calls, relay.sent('join'), client.status.state]).toEqual([[], [], 'closed'])
  })
})

describe('rooms', () => {
  it('joins a room with its first receiver and leaves it with its last', async () => {
    const client = await online()
    const stops = [
      client.receiveSignal('A', () => 1, { room: 'team:7' }),
      client.receiveSignal('B', () => 1, { room: 'team:7' }),
    ]
    await pass()
    stops[0]?.()
    await pass()
    expect(relay.sent('leave')).toEqual([])
    stops[1]?.()
    await pass()
    expect(relay.sent('join')).toMatchObject([{ room: 'team:7' }])
    expect(relay.sent('leave')).toEqual([{ type: 'leave', room: 'team:7' }])
  })

  it('says a short hello from a page in many rooms, and joins them after the welcome', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `room-${index}`)
    const client = connect()
    for (const room of names) client.receiveSignal('A', () => 1, { room })
    await pass()
    expect(relay.sent('hello')[0]?.rooms).toEqual([])
    expect(relay.sent('join').map(({ room }) => room)).toEqual(names)
  })

  it('goes on hearing a room to which a signal was refused', async () => {
    const client = await online()
    const heard = vi.fn()
    client.receiveSignal('A', heard, { room: 'team:7' })
    await pass()
    relay.isAnswering = false
    void client.sendSignal('B', undefined, { room: 'team:7' })
    await pass()
    const id = relay.sent('signal').at(-1)?.id ?? ''
    relay.send({ type: 'refused', id, room: 'team:7', code: 'denied', text: '' })
    relay.deliver('A', { room: 'team:7' })
    await pass()
    expect(heard).toHaveBeenCalledTimes(1)
  })

  it('joins, right after the welcome and before what waits goes out, a room that was first wanted after the hello', async () => {
    relay.isAnswering = false
    const client = connect()
    void client.sendSignal('Waiting')
    await pass()
    client.receiveSignal('A', () => 1, { room: 'late' })
    relay.send(WELCOME)
    await pass()
    expect(relay.frames).toMatchObject([
      { type: 'hello', rooms: [] },
      { type: 'join', room: 'late' },
      { type: 'signal', signal: 'Waiting' },
    ])
  })

  it('leaves after the welcome a room that its hello named and nobody listens to any more', async () => {
    relay.isAnswering = false
    const stop = connect().receiveSignal('A', () => 1, { room: 'gone' })
    await pass()
    stop()
    await pass()
    relay.send(WELCOME)
    await pass()
    expect(relay.frames).toMatchObject([
      { type: 'hello', rooms: [{ room: 'gone' }] },
      { type: 'leave', room: 'gone' },
    ])
  })

  it('keeps its place when a page stops and receives again in one breath', async () => {
    const client = await online()
    const stop = client.receiveSignal('A', () => 1)
    await pass()
    stop()
    client.receiveSignal('A', () => 2)
    await pass()
    expect([relay.sent('join').length, relay.sent('leave').length]).toEqual([1, 0])
  })

  it('names in hello the rooms that are listened to, by age from the navigation', async () => {
    await pass(700)
    const client = connect()
    client.receiveSignal('A', () => 1)
    client.receiveSignal('A', () => 1, { room: 'side' })
    await pass()
    const [hello] = relay.sent('hello')
    expect(hello?.rooms.map(({ room }) => room)).toEqual(['main', 'side'])
    expect(hello?.rooms[0]?.since).toMatchObject({ age: expect.any(Number) as number })
  })

  it.each<[string, number, ClientOptions]>([
    ["is asked for since 'now'", 5000, { since: 'now' }],
    ['has been loaded for more than a minute', 61_000, {}],
  ])('starts with its own call on a page that %s', async (_what, age, options) => {
    await pass(age)
    const client = connect(options)
    client.receiveSignal('A', () => 1)
    await pass()
    const since = relay.sent('hello')[0]?.rooms[0]?.since
    expect(since && 'age' in since && since.age).toBeLessThan(1000)
  })

  it('asks again for a refused room when a fresh token was accepted', async () => {
    const client = await online({ token: 'few-rights' })
    relay.isAnswering = false
    client.receiveSignal('A', () => 1, { room: 'vip' })
    await pass()
    relay.send({ type: 'refused', room: 'vip', code: 'denied', text: 'You may not join vip.' })
    relay.isAnswering = true
    client.setToken('more-rights')
    await pass()
    expect(relay.sent('join')).toHaveLength(1)
    relay.send(WELCOME)
    await pass()
    expect(relay.sent('join').map(({ room }) => room)).toEqual(['vip', 'vip'])
  })

  it('begins anew in a room that it left and comes back to', async () => {
    const client = await online()
    const stop = client.receiveSignal('A', () => 1, { room: 'side' })
    await pass()
    stop()
    await pass(5000)
    client.receiveSignal('A', () => 1, { room: 'side' })
    await pass()
    const ages = relay.sent('join').map(({ since }) => (since && 'age' in since ? since.age : -1))
    expect(ages[1]).toBeLessThan(1000)
  })

  it('tells a refused room through onError, and goes on', async () => {
    const client = await online()
    relay.isAnswering = false
    client.receiveSignal('A', () => 1, { room: 'vip' })
    await pass()
    relay.send({ type: 'refused', room: 'vip', code: 'denied', text: 'You may not join vip.' })
    relay.send({ type: 'left', room: 'main', code: 'denied' })
    await pass()
    expect(codes()).toEqual(['refused', 'refused'])
    expect(client.status.state).toBe('online')
  })
})

describe('the client', () => {
  it('gives a new status object at every change, and tells it', async () => {
    const client = connect({ connect: 'manual' })
    const told: SignalStatus[] = []
    client.onStatus((status) => told.push(status))
    client.connect()
    await pass()
    relay.close(1006)
    await pass()
    expect(told.map(({ state }) => state)).toEqual(['connecting', 'online', 'waiting'])
    expect(new Set(told).size).toBe(3)
    expect(client.status).toBe(told[2])
    expect(told[2]).toMatchObject({ attempt: 1, reason: '1006', retryAt: expect.any(Number) as number })
    await pass(2000)
    expect(client.status).toMatchObject({ state: 'online', resumed: true })
  })

  it('does not tell a drop that is shorter than the grace, and tells a longer one', async () => {
    const client = await online()
    const told: string[] = []
    const stop = client.onStatus(({ state }) => told.push(state), { grace: 1500 })
    relay.close(1006)
    await pass(1000)
    expect([told, client.status.state]).toEqual([[], 'online'])
    relay.stop()
    relay.close(1006)
    await pass(1400)
    expect(told).toEqual([])
    await pass(200)
    expect(told).toHaveLength(1)
    stop()
  })

  it('tells every listener the changes in one order, also those that a listener causes', async () => {
    const client = await online()
    const told: string[] = []
    client.onStatus(({ state }) => {
      if (state === 'waiting') client.close()
    })
    client.onStatus(({ state }) => told.push(state))
    relay.close(1006)
    await pass()
    expect(told).toEqual(['waiting', 'closed'])
  })

  it('sends what waited before what a status listener sends', async () => {
    const client = connect()
    void client.sendSignal('Old')
    client.onStatus(({ state }) => {
      if (state === 'online') void client.sendSignal('New')
    })
    await pass()
    expect(relay.sent('signal').map(({ signal }) => signal)).toEqual(['Old', 'New'])
  })

  it('connects lazily at the first send or receive', async () => {
    const lazy = connect({ connect: 'lazy' })
    await pass()
    expect(lazy.status.state).toBe('idle')
    lazy.receiveSignal('A', () => 1)
    await pass()
    expect(lazy.status.state).toBe('online')
  })

  it('tells a gap to every gap listener until it stops', async () => {
    const client = await online()
    client.receiveSignal('A', () => 1)
    await pass()
    const told = vi.fn()
    const stop = client.onGap(told)
    const gap = { type: 'gap', room: 'main', reason: 'epoch', from: 0, epoch: 'e2', offset: 0 } as const
    relay.send(gap)
    stop()
    relay.send(gap)
    expect(told.mock.calls).toEqual([[{ room: 'main', reason: 'epoch' }]])
  })

  it('G11 leaves nothing behind after close: no timer, no listener, no socket', async () => {
    const client = await online()
    const handler = vi.fn()
    client.receiveSignal('A', handler)
    client.onStatus(handler, { grace: 5000 })
    await pass()
    client.close()
    client.close()
    await pass()
    const calls = handler.mock.calls.length
    relay.deliver('A')
    client.connect()
    client.receiveSignal('A', handler)
    await pass(60_000)
    expect(handler).toHaveBeenCalledTimes(calls)
    expect(client.status).toMatchObject({ state: 'closed', reason: 'closed-by-page' })
    expect(relay.sent('hello')).toHaveLength(1)
    expect(relay.sockets[0]?.readyState).not.toBe(1)
  })

  it.each(['the relay replays', 'the page kept for it'])(
    'G11 hears no more and leaves nothing behind when a handler closes it in the middle of what %s',
    async (what) => {
      const client = await online()
      const heard: unknown[] = []
      const receive = (): void => {
        client.receiveSignal('A', (data) => {
          heard.push(data)
          client.close()
        })
      }
      if (what === 'the relay replays') receive()
      else client.receiveSignal('Other', () => 1)
      await pass()
      relay.send(relay.signal('A', { data: 1 }), relay.signal('A', { data: 2 }))
      if (what !== 'the relay replays') receive()
      await pass()
      happen('pagehide')
      happen('online')
      await pass(60_000)
      expect([heard, vi.getTimerCount(), sessionStorage.length, relay.sent('hello').length]).toEqual([[1], 0, 0, 1])
    },
  )

  it.each([
    ['an address instead of options', 'bad-option', 'wss://relay.test/'],
    ['an unknown option', 'bad-option', { ulr: 'wss://x' }],
    ['a wrong choice', 'bad-option', { connect: 'later' }],
    ['a wrong type', 'bad-option', { onError: 'log' }],
    ['a list instead of options', 'bad-option', []],
    ['null for a contract', 'bad-option', { signals: null }],
    ['something that is not a URL', 'bad-url', { url: 'http://' }],
    ['another scheme', 'bad-url', { url: 'ftp://relay.test/' }],
    ['a password in the URL', 'bad-url', { url: 'wss://user:secret@relay.test/' }],
  ])('throws at creation for %s', (_what, code, options) => {
    expect(() => createSignalClient(options as ClientOptions)).toThrow(expect.objectContaining({ code }))
    expect(getPageClient()).toBeUndefined()
  })

  it.each<[string, (client: Record<string, (...all: unknown[]) => unknown>) => unknown]>([
    ['a status listener that is none', (client) => client.onStatus?.()],
    ['an unknown option of a status listener', (client) => client.onStatus?.(() => 1, { grase: 1 })],
    ['a grace that is no number', (client) => client.onStatus?.(() => 1, { grace: 'x' })],
    ['a gap listener that is none', (client) => client.onGap?.()],
    ['a token that is none', (client) => client.setToken?.(5)],
    ['a token in something else', (client) => client.setToken?.(['hunter2'])],
    ['a client that is none', () => setPageClient({} as SignalClient)],
  ])('throws at the call for %s, and quotes no value', (_what, call) => {
    const client = connect()
    expect(() => call(client as never)).toThrow(
      expect.objectContaining({ code: 'bad-option', message: expect.not.stringContaining('hunter2') as string }),
    )
    expect(getPageClient()).toBe(client)
  })

  it('takes null for no options, and for no client', async () => {
    vi.stubGlobal('location', new URL('http://relay.test/'))
    const client = createSignalClient(null as never)
    clients.push(client)
    const heard = vi.fn()
    client.onStatus(heard, null as never)
    client.receiveSignal('A', heard, null as never)
    const next = nextSignal(client, 'A', null as never)
    const stream = signalStream(client, 'A', null as never)
    await pass()
    relay.deliver('A')
    expect([heard.mock.calls.length, (await next).name, (await stream.next()).value?.name]).toEqual([2, 'A', 'A'])
    setPageClient(null as never)
    expect(getPageClient()).toBeUndefined()
  })

  it.each([[Symbol('s')], [Object.create(null)], [['hunter2']], [undefined]])(
    'throws bad-name for a name that is no text, and does not quote it',
    (name) => {
      const client = connect()
      for (const call of [() => client.sendSignal(name), () => client.receiveSignal(name, () => 1)]) {
        expect(call).toThrow(
          expect.objectContaining({ code: 'bad-name', message: expect.not.stringContaining('hunter2') as string }),
        )
      }
    },
  )

  it('throws what onError throws as an uncaught error, and nothing else breaks', async () => {
    const uncaught: unknown[] = []
    const listener = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', listener)
    const client = await online({
      onError: () => {
        throw new Error('from onError')
      },
    })
    relay.send('not json')
    await pass()
    process.off('uncaughtException', listener)
    expect(uncaught.map(String)).toEqual(['Error: from onError'])
    expect(client.status.state).toBe('online')
  })
})

describe("the page's client", () => {
  it('is the first one, until it closes or another is named', async () => {
    const first = connect()
    const second = connect()
    expect(getPageClient()).toBe(first)
    setPageClient(second)
    first.close()
    expect(getPageClient()).toBe(second)
    second.close()
    expect(getPageClient()).toBeUndefined()
    await pass()
  })

  it('is told whenever it is another one, before it connects, and not after the stop', () => {
    const told: [client: SignalClient | undefined, state: string | undefined][] = []
    const stop = onPageClient((client) => told.push([client, client?.status.state]))
    const first = connect()
    const second = connect()
    setPageClient(second)
    second.close()
    stop()
    setPageClient(first)
    expect(told).toEqual([
      [first, 'idle'],
      [second, 'connecting'],
      [undefined, undefined],
    ])
  })

  it('serves the free functions', async () => {
    connect()
    const heard: unknown[] = []
    const states: string[] = []
    onSignalStatus(({ state }) => states.push(state))
    receiveSignal('A', (data) => heard.push(data))
    const result = sendSignal('A', 1)
    await pass()
    relay.deliver('A', { data: 2 })
    expect([heard, states, (await result).outcome]).toEqual([[2], ['online'], 'accepted'])
  })

  it('is missed with an error that says what to do', () => {
    for (const call of [
      () => sendSignal('A'),
      () => receiveSignal('A', () => 1),
      () => onSignalStatus(() => undefined),
    ]) {
      expect(call).toThrow(
        expect.objectContaining({
          code: 'no-client',
          message: expect.stringContaining('createSignalClient') as string,
        }),
      )
    }
  })
})
