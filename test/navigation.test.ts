import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, type ClientOptions, type SignalClient, setPageClient } from '../src/index.js'
import { pass, RELAY_URL, startMockRelay } from './mock-relay.js'

let relay: ReturnType<typeof startMockRelay>
let clients: SignalClient[]
let posts: {
  url: string
  init: RequestInit
  body: { v: number; tab: string; token?: string; signals: { id: string; signal: string }[] }
}[]

/** A page of the tab, as its script begins. */
function load(options: ClientOptions = {}): SignalClient {
  const client = createSignalClient({ url: RELAY_URL, onError: () => undefined, ...options })
  clients.push(client)
  return client
}

/** What the browser does when the page is left for another one of the same tab. */
function leave({ persisted = false } = {}): void {
  window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted }))
  if (persisted) return
  for (const client of clients) client.close()
  clients = []
}

const sentSignals = (): string[] => relay.sent('signal').map(({ signal }) => signal)

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  sessionStorage.clear()
  relay = startMockRelay()
  clients = []
  posts = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    posts.push({ url, init, body: JSON.parse(init.body as string) as (typeof posts)[0]['body'] })
    throw new TypeError('the page is gone')
  })
})

afterEach(async () => {
  for (const client of clients) client.close()
  setPageClient(undefined)
  await pass()
  expect(vi.getTimerCount()).toBe(0)
  relay.stop()
  vi.useRealTimers()
})

describe('G2 sent, then navigated', () => {
  it('P10.4 posts what is not accepted, by a request that outlives the page, under the same ids', async () => {
    const page = load({ token: 'secret-token' })
    await pass()
    relay.isAnswering = false
    void page.sendSignal('ReportIncome', { userId: 1 })
    void page.sendSignal('RefreshDashboard', undefined, { room: 'team:7' })
    await pass()
    leave()
    const [{ url, init, body }] = posts as [(typeof posts)[0]]
    expect(url).toBe('http://relay.test/signals')
    expect(init).toMatchObject({ method: 'POST', keepalive: true })
    expect(new Request('http://relay.test/', init).headers.get('content-type')).toMatch(/^text\/plain/)
    expect(body).toMatchObject({
      v: 1,
      tab: relay.sent('hello')[0]?.tab,
      token: 'secret-token',
      signals: [
        { id: relay.sent('signal')[0]?.id, signal: 'ReportIncome', data: { userId: 1 } },
        { id: relay.sent('signal')[1]?.id, signal: 'RefreshDashboard', room: 'team:7' },
      ],
    })
  })

  it('sends what was left behind first on the next page, under the same ids', async () => {
    relay.isAnswering = false
    const form = load()
    void form.sendSignal('Left', 1)
    void form.sendSignal('Left', 2)
    await pass()
    leave()
    relay.isAnswering = true
    const report = load()
    const own = report.sendSignal('Own')
    await pass()
    expect(sentSignals()).toEqual(['Left', 'Left', 'Own'])
    expect(
      relay
        .sent('signal')
        .map(({ id }) => id)
        .slice(0, 2),
    ).toEqual(posts[0]?.body.signals.map(({ id }) => id))
    expect(await own).toMatchObject({ outcome: 'accepted' })
    leave()
    load()
    await pass()
    expect(sentSignals()).toHaveLength(3)
  })

  it('keeps a signal over several pages while the relay is away, until its time is over', async () => {
    relay.stop()
    void load().sendSignal('Kept', 1, { ttl: 10_000 })
    for (let page = 0; page < 3; page += 1) {
      await pass(2000)
      leave()
      load()
    }
    relay = startMockRelay()
    await pass(3000)
    expect(sentSignals()).toEqual(['Kept'])
    leave()
    load()
    await pass(60_000)
    expect(sentSignals()).toEqual(['Kept'])
  })

  it('never sends as one user what another one left behind in the tab', async () => {
    relay.isAnswering = false
    const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 1 } as const
    void load({ token: 'ann' }).sendSignal('OfAnn')
    await pass()
    relay.send({ ...welcome, user: 'ann' })
    await pass()
    leave()
    relay.frames.length = 0
    const errors: string[] = []
    void load({ token: 'bob', onError: ({ code }) => errors.push(code) }).sendSignal('OfBob')
    await pass()
    relay.send({ ...welcome, user: 'bob' })
    await pass()
    expect([sentSignals(), errors]).toEqual([['OfBob'], ['refused']])
  })

  it.each([
    ['drops what one user sent when the next one signs in on the same page', 'ann', 'bob', ['OfBob'], 'dropped'],
    ['sends what one user sent when only the token is new', 'ann', 'ann', ['OfAnn', 'OfBob'], 'accepted'],
    ['sends what somebody sent before signing in', undefined, 'bob', ['OfAnn', 'OfBob'], 'accepted'],
  ])('%s', async (_what, before, after, sent, outcome) => {
    const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 1 } as const
    relay.isAnswering = false
    const page = load({ token: 'first' })
    await pass()
    relay.send(before === undefined ? welcome : { ...welcome, user: before })
    relay.close(4401)
    const result = page.sendSignal('OfAnn')
    await pass(4000)
    page.setToken('second')
    void page.sendSignal('OfBob')
    await pass(4000)
    relay.frames.length = 0
    relay.send({ ...welcome, user: after })
    await pass()
    expect(sentSignals()).toEqual(sent)
    relay.send({ type: 'accepted', ids: relay.sent('signal').map(({ id }) => id) })
    expect(await result).toMatchObject({ outcome })
  })

  it('posts nothing when everything was accepted', async () => {
    void load().sendSignal('A')
    await pass()
    leave()
    expect(posts).toEqual([])
  })

  it('posts at most what a request that outlives its page may carry, and leaves the rest to the next page', async () => {
    relay.isAnswering = false
    const page = load()
    for (let index = 0; index < 4; index += 1) void page.sendSignal('Big', 'x'.repeat(25_000))
    await pass()
    leave()
    expect(posts[0]?.body.signals).toHaveLength(2)
    relay.isAnswering = true
    load()
    await pass()
    expect(sentSignals()).toHaveLength(4)
  })

  it('closes the connection when the page is left, and does not come back by itself', async () => {
    const page = load()
    await pass()
    leave({ persisted: true })
    expect(page.status).toMatchObject({ state: 'suspended', reason: 'pagehide' })
    await pass(60_000)
    expect([page.status.state, relay.sent('hello').length]).toEqual(['suspended', 1])
  })

  it('leaves nothing behind and posts nothing with a server that knows no protocol', async () => {
    relay.stop()
    void load({ protocol: 'plain' }).sendSignal('A')
    await pass()
    leave()
    expect([posts, sessionStorage.length]).toEqual([[], 0])
    relay = startMockRelay()
  })

  it('forgets nothing when the page was closed by its own script before', async () => {
    load().close()
    window.dispatchEvent(new Event('pagehide'))
    expect([posts, sessionStorage.length]).toEqual([[], 0])
  })
})

describe('G6 from one page to the next', () => {
  it('goes on in each room after what the last page handled', async () => {
    const heard: unknown[] = []
    load().receiveSignal('A', (data) => heard.push(data))
    await pass()
    relay.deliver('A', { data: 1 })
    leave()
    load().receiveSignal('A', (data) => heard.push(data))
    await pass()
    expect(relay.sent('hello').at(-1)?.rooms).toEqual([
      { room: 'main', since: { epoch: 'e1', offset: 1, id: 'id-main-1' } },
    ])
    expect(heard).toEqual([1])
  })

  it('never loops when a handler reloads the page', async () => {
    let reloads = 0
    const page = (): void => {
      load().receiveSignal('A', () => {
        reloads += 1
        leave()
        page()
      })
    }
    page()
    await pass()
    relay.deliver('A')
    await pass(10_000)
    expect(reloads).toBe(1)
    expect(relay.sent('hello').at(-1)?.rooms[0]?.since).toMatchObject({ offset: 1 })
  })

  it.each([
    ['again, for more, when the answer comes late', false, 1],
    ['once where nothing can be remembered: it would reload at the same signal for ever', true, 0],
  ])('asks for what it missed %s', async (_what, isDenied, joins) => {
    if (isDenied) vi.stubGlobal('sessionStorage', undefined)
    relay.isAnswering = false
    load().receiveSignal('A', () => 1)
    await pass()
    relay.send({ type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 1 })
    await pass(1000)
    relay.send({ type: 'joined', room: 'main', epoch: 'e1', offset: 0, head: 0, recovered: true })
    await pass()
    expect(relay.sent('join').length).toBe(joins)
  })

  it('begins by age where the page asks for now, or where nothing is remembered', async () => {
    load().receiveSignal('A', () => 1)
    await pass()
    relay.deliver('A')
    leave()
    load({ since: 'now' }).receiveSignal('A', () => 1)
    await pass()
    expect(Object.keys(relay.sent('hello').at(-1)?.rooms[0]?.since ?? {})).toEqual(['age'])
  })
})

describe('back from the cache', () => {
  it('is online again at once, goes on where it was, and sends what waited', async () => {
    const page = load()
    const heard: unknown[] = []
    page.receiveSignal('A', (data) => heard.push(data))
    await pass()
    relay.deliver('A', { data: 1 })
    leave({ persisted: true })
    void page.sendSignal('Waited')
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await pass()
    expect(page.status).toMatchObject({ state: 'online', resumed: true })
    expect(relay.sent('hello').at(-1)?.rooms).toMatchObject([{ since: { epoch: 'e1', offset: 1 } }])
    expect(sentSignals()).toEqual(['Waited'])
  })

  it('never sends what a later page of another user left', async () => {
    const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 1 } as const
    relay.isAnswering = false
    load({ token: 'ann' })
    await pass()
    relay.send({ ...welcome, user: 'ann' })
    leave({ persisted: true })
    const cached = clients
    clients = []
    void load({ token: 'bob' }).sendSignal('OfBob')
    await pass()
    relay.send({ ...welcome, user: 'bob' })
    await pass()
    leave()
    clients = cached
    relay.frames.length = 0
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await pass()
    relay.send({ ...welcome, user: 'ann' })
    await pass()
    expect([relay.sent('hello').length, sentSignals()]).toEqual([1, []])
  })

  it('sends once what it left behind itself, and what a later page left', async () => {
    relay.isAnswering = false
    const first = load()
    void first.sendSignal('First')
    await pass()
    leave({ persisted: true })
    const cached = clients
    clients = []
    void load().sendSignal('Later')
    await pass()
    leave()
    clients = cached
    relay.isAnswering = true
    relay.frames.length = 0
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await pass()
    expect(sentSignals().toSorted()).toEqual(['First', 'Later'])
  })
})
