import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, type ClientOptions, type SignalClient, setPageClient } from '../../src/index.js'
import type { SignalFrame } from '../../src/protocol/frames.js'
import { pass, RELAY_URL, startMockRelay, WELCOME } from '../support/mock-relay.js'
import { happen, turnPage } from '../support/page-events.js'

let relay: ReturnType<typeof startMockRelay>
let clients: SignalClient[]
let posts: {
  url: string
  init: RequestInit
  body: { v: number; tab: string; token?: string; signals: { id: string; signal: string }[] }
}[]

/** A page of the tab, as its script begins. */
function load(options: ClientOptions = {}): SignalClient {
  turnPage()
  const client = createSignalClient({ url: RELAY_URL, onError: () => undefined, ...options })
  clients.push(client)
  return client
}

/** What the browser does when the page is left for another one of the same tab. */
function leave({ persisted = false } = {}): void {
  happen('pagehide', { persisted })
  if (persisted) return
  for (const client of clients) client.close()
  clients = []
}

/** A page that the relay has welcomed, and answers nothing more. */
async function welcomed(user: string, options?: ClientOptions): Promise<SignalClient> {
  relay.isAnswering = false
  const page = load(options)
  await pass()
  relay.send({ ...WELCOME, user })
  await pass()
  return page
}

const sentSignals = (): string[] => relay.sent('signal').map(({ signal }) => signal)
const postedSignals = (): string[] => posts.flatMap(({ body }) => body.signals.map(({ signal }) => signal))

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

  it("posts by sendBeacon, and keeps signals for the next page, where the page's own fetch throws", async () => {
    const sendBeacon = vi.fn((_address: string, _body: string) => true)
    vi.stubGlobal('navigator', { sendBeacon })
    vi.stubGlobal('fetch', () => {
      throw new TypeError('a wrapper of the page')
    })
    const page = load()
    await pass()
    relay.isAnswering = false
    void page.sendSignal('Left')
    await pass()
    leave()
    const [address, body] = sendBeacon.mock.calls[0] ?? ['', '{}']
    expect([address, JSON.parse(body)]).toMatchObject(['http://relay.test/signals', { signals: [{ signal: 'Left' }] }])
    relay.isAnswering = true
    load()
    await pass()
    expect(sentSignals()).toEqual(['Left', 'Left'])
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
    void load({ token: 'ann' }).sendSignal('OfAnn')
    await pass()
    relay.send({ ...WELCOME, user: 'ann' })
    await pass()
    leave()
    relay.frames.length = 0
    const errors: string[] = []
    void load({ token: 'bob', onError: ({ code }) => errors.push(code) }).sendSignal('OfBob')
    await pass()
    relay.send({ ...WELCOME, user: 'bob' })
    await pass()
    expect([sentSignals(), errors]).toEqual([['OfBob'], ['refused']])
  })

  it.each([
    ['drops what one user sent when the next one signs in on the same page', 'ann', 'bob', ['OfBob'], 'dropped'],
    ['sends what one user sent when only the token is new', 'ann', 'ann', ['OfAnn', 'OfBob'], 'accepted'],
    ['sends what somebody sent before signing in', undefined, 'bob', ['OfAnn', 'OfBob'], 'accepted'],
  ])('%s', async (_what, before, after, sent, outcome) => {
    relay.isAnswering = false
    const page = load({ token: 'first' })
    await pass()
    relay.send(before === undefined ? WELCOME : { ...WELCOME, user: before })
    relay.close(4401)
    await pass(10)
    const result = page.sendSignal('OfAnn')
    await pass(4000)
    page.setToken('second')
    void page.sendSignal('OfBob')
    await pass(4000)
    relay.frames.length = 0
    relay.send({ ...WELCOME, user: after })
    await pass()
    expect(sentSignals()).toEqual(sent)
    relay.send({ type: 'accepted', ids: relay.sent('signal').map(({ id }) => id) })
    expect(await result).toMatchObject({ outcome })
  })

  it('sends as nobody else what one user has taken over from nobody', async () => {
    const welcome = WELCOME
    relay.isAnswering = false
    const page = load({ token: 'first' })
    await pass()
    relay.send(welcome)
    relay.close(4401)
    const result = page.sendSignal('OfNobody')
    for (const user of ['bob', 'ann']) {
      await pass(4000)
      page.setToken(`token-of-${user}`)
      await pass(4000)
      relay.frames.length = 0
      relay.send({ ...welcome, user })
      await pass()
      expect(sentSignals()).toEqual(user === 'bob' ? ['OfNobody'] : [])
      relay.close(4401)
    }
    expect(await result).toMatchObject({ outcome: 'unknown' })
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
    happen('pagehide')
    expect([posts, sessionStorage.length]).toEqual([[], 0])
  })

  it('posts, and keeps for the next page, what is sent when the page is already put aside', async () => {
    const page = load()
    await pass()
    addEventListener('pagehide', () => void page.sendSignal('Bye'), { once: true })
    leave({ persisted: true })
    await pass(0)
    const posted = postedSignals()
    load()
    await pass()
    expect([posted, sentSignals()]).toEqual([['Bye'], ['Bye']])
  })

  it('posts once when the page is left and then frozen', async () => {
    relay.isAnswering = false
    void load().sendSignal('A')
    await pass()
    leave({ persisted: true })
    happen('freeze', {}, document)
    expect(postedSignals()).toEqual(['A'])
  })

  it.each(['manual', 'lazy'] as const)('keeps over a page with a %s client what was left behind', async (connect) => {
    relay.isAnswering = false
    void load().sendSignal('Left')
    await pass()
    leave()
    load({ connect })
    leave()
    relay.isAnswering = true
    relay.frames.length = 0
    load()
    await pass()
    expect(sentSignals()).toEqual(['Left'])
  })

  it('posts, and keeps for the next page, what a client holds that never connected', async () => {
    void load({ connect: 'manual' }).sendSignal('Left')
    await pass()
    leave()
    load()
    await pass()
    expect([postedSignals(), sentSignals()]).toEqual([['Left'], ['Left']])
  })

  it.each([
    ['lazy', 'online', ['Left']],
    ['manual', 'idle', []],
  ] as const)('leaves a client that is %s %s where it finds what was left behind', async (connect, state, sent) => {
    relay.isAnswering = false
    void load().sendSignal('Left')
    await pass()
    leave()
    relay.isAnswering = true
    relay.frames.length = 0
    const page = load({ connect })
    await pass()
    expect([page.status.state, sentSignals()]).toEqual([state, sent])
  })

  it('tells unknown, not expired, of what was posted and not answered', async () => {
    relay.stop()
    const page = load()
    await pass(10)
    const result = page.sendSignal('A', 1, { ttl: 2000 })
    leave({ persisted: true })
    happen('pageshow', { persisted: true })
    await pass(5000)
    expect([postedSignals(), (await result).outcome]).toEqual([['A'], 'unknown'])
  })

  it.each(['the page that comes back from the cache', 'the next page of the tab'])(
    'never replaces what was posted by a newer signal of the same key on %s',
    async (where) => {
      relay.stop()
      let page = load()
      await pass(10)
      void page.sendSignal('A', 'old', { key: 'k' })
      const isNext = where.startsWith('the next')
      leave({ persisted: !isNext })
      if (isNext) page = load()
      else happen('pageshow', { persisted: true })
      void page.sendSignal('A', 'new', { key: 'k' })
      relay = startMockRelay()
      await pass(3000)
      expect(relay.sent('signal').map(({ data }) => data)).toEqual(['old', 'new'])
    },
  )

  it('G11 leaves no timer and no listener, and writes nothing, when it is closed while the page is left', async () => {
    relay.isAnswering = false
    const page = load()
    void page.sendSignal('A')
    await pass()
    leave({ persisted: true })
    page.close()
    sessionStorage.clear()
    posts = []
    void page.sendSignal('Late')
    happen('freeze', {}, document)
    happen('pagehide')
    happen('pageshow', { persisted: true })
    await pass(60_000)
    expect([vi.getTimerCount(), posts, sessionStorage.length, relay.sent('hello').length]).toEqual([0, [], 0, 1])
  })
})

describe('the token of what is posted', () => {
  const postedTokens = (): unknown[] => posts.map(({ body }) => body.token)

  it('is the one that was renewed on the connection', async () => {
    let count = 0
    const page = load({ token: () => `token-${++count}` })
    await pass()
    relay.isAnswering = false
    relay.send({ ...WELCOME, expiresIn: 40_000 })
    await pass(20_500)
    relay.send({ ...WELCOME, expiresIn: 3_600_000 })
    void page.sendSignal('A')
    leave()
    expect([relay.sent('token').length, postedTokens()]).toEqual([1, ['token-2']])
  })

  it('is a new string at once', async () => {
    const page = load({ token: 'old' })
    await pass()
    relay.isAnswering = false
    page.setToken('new')
    void page.sendSignal('A')
    leave()
    expect(postedTokens()).toEqual(['new'])
  })

  it('is none before a new function has given one', async () => {
    const page = load({ token: 'old' })
    await pass()
    relay.isAnswering = false
    page.setToken(() => new Promise<string>(() => undefined))
    void page.sendSignal('A')
    leave()
    expect(postedTokens()).toEqual([undefined])
  })
})

describe('the user of what waits', () => {
  /** The next connection is this user's, and the relay accepts everything. */
  async function welcomeNext(user: string): Promise<void> {
    await pass(1000)
    relay.send({ ...WELCOME, user })
    await pass()
    relay.send({ type: 'accepted', ids: relay.sent('signal').map(({ id }) => id) })
    await pass()
  }

  it('is who was here when it was sent: what the next user sends goes out, and the rest is dropped', async () => {
    const page = await welcomed('ann', { token: 'ann' })
    relay.close(1006)
    await pass(10)
    const ofAnn = page.sendSignal('OfAnn')
    page.setToken('bob')
    const ofBob = page.sendSignal('OfBob')
    await welcomeNext('bob')
    expect([sentSignals(), await ofAnn, await ofBob]).toMatchObject([
      ['OfBob'],
      { outcome: 'dropped' },
      { outcome: 'accepted' },
    ])
  })

  it('is not the one of the present connection: what is sent after a new token waits until the relay has answered to it', async () => {
    const page = await welcomed('ann', { token: 'ann' })
    relay.isAnswering = false
    page.setToken('bob')
    const ofBob = page.sendSignal('OfBob')
    await pass()
    expect([relay.sent('token').map(({ token }) => token), sentSignals()]).toEqual([['bob'], []])
    relay.close(4401)
    await welcomeNext('bob')
    expect([sentSignals(), await ofBob]).toMatchObject([['OfBob'], { outcome: 'accepted' }])
  })

  it('is the same one where the relay takes the new token: what waited for that goes out, and nothing again', async () => {
    const page = await welcomed('ann', { token: 'ann' })
    relay.isAnswering = false
    void page.sendSignal('Before')
    await pass()
    page.setToken('fresh')
    void page.sendSignal('After')
    await pass()
    relay.send({ ...WELCOME, user: 'ann' })
    await pass()
    expect([sentSignals(), page.status.state]).toEqual([['Before', 'After'], 'online'])
  })

  it('stays known over two new tokens; what was sent between them, by nobody known, goes out', async () => {
    const page = await welcomed('ann', { token: 'ann' })
    relay.close(1006)
    await pass(10)
    const ofAnn = page.sendSignal('OfAnn')
    page.setToken('bob')
    const between = page.sendSignal('Between')
    page.setToken('cat')
    await welcomeNext('cat')
    expect([sentSignals(), await ofAnn, await between]).toMatchObject([
      ['Between'],
      { outcome: 'dropped' },
      { outcome: 'accepted' },
    ])
  })

  it('is nobody known before a relay has named one, whatever else the tab has left: it goes out under the next name', async () => {
    void (await welcomed('ann', { token: 'ann' })).sendSignal('OfAnn')
    await pass()
    leave()
    relay.frames.length = 0
    const page = load({ token: 'ann' })
    const early = page.sendSignal('Early')
    page.setToken('bob')
    await welcomeNext('bob')
    expect([sentSignals(), await early]).toMatchObject([['Early'], { outcome: 'accepted' }])
  })

  it('is remembered for each signal from one page to the next', async () => {
    void (await welcomed('ann', { token: 'ann' })).sendSignal('OfAnn')
    await pass()
    leave()
    void load({ token: 'bob' }).sendSignal('OfBob')
    leave()
    relay.frames.length = 0
    load({ token: 'bob' })
    await welcomeNext('bob')
    expect(sentSignals()).toEqual(['OfBob'])
  })

  it('is not the one whose new token goes with what is posted', async () => {
    const page = await welcomed('ann', { token: 'ann' })
    void page.sendSignal('OfAnn')
    page.setToken('bob')
    void page.sendSignal('OfBob')
    leave()
    expect([posts.map(({ body }) => body.token), postedSignals()]).toEqual([['bob'], ['OfBob']])
  })

  it.each([
    ['ann', ['OfAnn']],
    ['bob', []],
  ])('is who it was when a page is left right after a new token, and the next one is of %s', async (user, sent) => {
    const page = await welcomed('ann', { token: 'ann' })
    void page.sendSignal('OfAnn')
    page.setToken('other')
    leave()
    await pass()
    relay.frames.length = 0
    load({ token: user })
    await welcomeNext(user)
    expect(sentSignals()).toEqual(sent)
  })

  it.each(['a socket', 'a request that outlived the page'])(
    'makes unknown, not dropped, of what %s had already',
    async (carrier) => {
      const page = await welcomed('ann', { token: 'ann' })
      const isPosted = carrier !== 'a socket'
      if (isPosted) relay.close(1006)
      await pass(10)
      const result = page.sendSignal('OfAnn')
      await pass(10)
      if (isPosted) {
        leave({ persisted: true })
        happen('pageshow', { persisted: true })
      } else relay.close(1006)
      await pass(10)
      relay.frames.length = 0
      page.setToken('bob')
      await welcomeNext('bob')
      expect([sentSignals(), await result]).toMatchObject([[], { outcome: 'unknown' }])
    },
  )
})

describe('S80 another user on a page that was made for the last one', () => {
  const heard: unknown[] = []
  const gaps: string[] = []

  /** A page of ann that hears everything, as far as it is connected. */
  async function pageOfAnn(options: ClientOptions = { token: () => 'from-the-session' }): Promise<SignalClient> {
    heard.length = gaps.length = 0
    const page = await welcomed('ann', options)
    listenOn(page)
    return page
  }

  function listenOn(page: SignalClient): void {
    page.receiveSignal('A', (data) => heard.push(data))
    page.onGap(({ room, reason }) => gaps.push(`${room} ${reason}`))
  }

  const joined = (offset: number, head = offset) =>
    relay.send({ type: 'joined', room: 'main', epoch: 'e1', offset, head, recovered: true })

  async function breakAndWelcome(user: string): Promise<void> {
    relay.close(1006)
    await pass(2000)
    relay.frames.length = 0
    relay.send({ ...WELCOME, user })
    await pass()
  }

  it('drops what waits when the session of the browser is another one after an outage', async () => {
    const page = await pageOfAnn()
    const sent = page.sendSignal('Sent')
    await pass()
    relay.close(1006)
    await pass(10)
    const waiting = page.sendSignal('Waiting')
    await breakAndWelcome('bob')
    expect([sentSignals(), await sent, await waiting]).toMatchObject([
      [],
      { outcome: 'unknown' },
      { outcome: 'dropped', error: { code: 'refused' } },
    ])
    void page.sendSignal('OfBob')
    await pass()
    expect(sentSignals()).toEqual(['OfBob'])
  })

  it('drops it on the next page of the tab, too, which was never welcomed before', async () => {
    await pageOfAnn()
    leave()
    const page = load({ token: () => 'from-the-session' })
    const result = page.sendSignal('OfAnn')
    await pass()
    relay.frames.length = 0
    relay.send({ ...WELCOME, user: 'bob' })
    await pass()
    expect([sentSignals(), await result]).toMatchObject([[], { outcome: 'dropped' }])
  })

  it.each([
    ['ann', [], 'dropped'],
    ['bob', ['Early'], 'accepted'],
    ['', ['Early'], 'accepted'],
  ])('knows from the option or the meta that a page was made for "%s"', async (user, sent, outcome) => {
    for (const isOption of [true, false]) {
      relay.isAnswering = false
      const meta = Object.assign(document.createElement('meta'), { name: 'signalpost-user', content: user })
      if (!isOption) document.head.append(meta)
      const page = load({ token: () => 'from-the-session', ...(isOption && { user }) })
      const result = page.sendSignal('Early')
      await pass()
      relay.frames.length = 0
      relay.send({ ...WELCOME, user: 'bob' })
      await pass()
      relay.send({ type: 'accepted', ids: relay.sent('signal').map(({ id }) => id) })
      expect([sentSignals(), await result]).toMatchObject([sent, { outcome }])
      page.close()
      meta.remove()
      sessionStorage.clear()
    }
  })

  it('posts as whose the signals are, so that a relay takes them under no other name', async () => {
    const page = await pageOfAnn()
    void page.sendSignal('OfAnn')
    leave()
    expect(posts.map(({ body }) => body)).toMatchObject([{ token: 'from-the-session', user: 'ann' }])
  })

  it('begins anew in each room, with a gap, and hears nothing that came before', async () => {
    await pageOfAnn()
    joined(5)
    relay.send(relay.signal('A', { offset: 6, data: 'of ann' }))
    await breakAndWelcome('bob')
    // The answer to the hello, which asked from the position of ann, and then the one to the join of bob.
    joined(6, 8)
    for (const offset of [7, 8]) relay.send(relay.signal('A', { offset, data: 'missed by ann' }))
    expect(relay.sent('join')).toMatchObject([{ room: 'main', since: { age: expect.any(Number) } }])
    joined(8)
    relay.send(relay.signal('A', { offset: 9, data: 'of bob' }))
    expect([heard, gaps]).toEqual([['of ann', 'of bob'], ['main user']])
  })

  it('does not go on where the last page of the tab was, when that was of another user', async () => {
    await pageOfAnn()
    joined(5)
    leave()
    heard.length = gaps.length = 0
    const page = load({ token: 'bob' })
    listenOn(page)
    await pass()
    relay.frames.length = 0
    relay.send({ ...WELCOME, user: 'bob' })
    joined(5, 7)
    for (const offset of [6, 7]) relay.send(relay.signal('A', { offset, data: 'before the page' }))
    joined(7)
    relay.send(relay.signal('A', { offset: 8, data: 'of bob' }))
    await pass()
    expect(relay.sent('join')).toMatchObject([{ since: { age: expect.any(Number) } }])
    expect([heard, gaps]).toEqual([['of bob'], []])
  })

  describe('S81 after setToken()', () => {
    it('hears nothing until the relay has answered to the new token, and then only what is of the new user', async () => {
      const page = await pageOfAnn({ token: 'ann' })
      joined(5)
      relay.send(relay.signal('Unheard', { offset: 6, data: 'stored' }))
      page.setToken('bob')
      page.receiveSignal('Unheard', (data) => heard.push(data))
      relay.send(relay.signal('A', { offset: 7, data: 'of ann' }))
      await pass()
      relay.close(4401)
      await pass(1000)
      relay.send({ ...WELCOME, user: 'bob' })
      await pass()
      joined(6, 7)
      relay.send(relay.signal('A', { offset: 7, data: 'of ann' }))
      joined(7)
      relay.send(relay.signal('A', { offset: 8, data: 'of bob' }))
      await pass()
      expect([heard, gaps]).toEqual([['of bob'], ['main user']])
    })

    it('misses nothing where it is the same user with a fresh token', async () => {
      const page = await pageOfAnn({ token: 'ann' })
      joined(5)
      relay.send(relay.signal('Unheard', { offset: 6, data: 'stored' }))
      page.setToken('fresh')
      page.receiveSignal('Unheard', (data) => heard.push(data))
      relay.send(relay.signal('A', { offset: 7, data: 'while it waits' }))
      await pass()
      expect(heard).toEqual([])
      relay.frames.length = 0
      relay.send({ ...WELCOME, user: 'ann' })
      expect(relay.sent('join')).toMatchObject([])
      await pass()
      expect(relay.sent('join')).toMatchObject([{ room: 'main', since: { epoch: 'e1', offset: 6 } }])
      joined(6, 7)
      relay.send(relay.signal('A', { offset: 7, data: 'while it waits' }))
      await pass()
      expect([heard, gaps]).toEqual([['stored', 'while it waits'], []])
    })
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
      { room: 'main', since: { epoch: 'e1', offset: 1, id: 'id-main-1', age: expect.any(Number) as number } },
    ])
    expect(heard).toEqual([1])
  })

  /** A page that the relay answers with signals that the tab's last page may have received. */
  async function replay(signals: readonly SignalFrame[], epoch = 'e1'): Promise<void> {
    const head = signals.length
    relay.send(WELCOME, { type: 'joined', room: 'main', epoch, offset: 0, head, recovered: true }, ...signals)
    await pass()
  }

  it('P4.14 handles signals newer than its HTML that no receiver of their name has handled on the last page', async () => {
    const heard: unknown[] = []
    load().receiveSignal('A', () => 1)
    await pass()
    const signals = ['A', 'B', 'C', 'A'].map((name, data) => relay.signal(name, { data }))
    relay.send(...signals)
    await pass()
    leave()
    relay.isAnswering = false
    const page = load()
    for (const name of ['A', 'B']) page.receiveSignal(name, (data) => heard.push(data))
    page.receiveSignal('A', (data) => heard.push(`again ${String(data)}`), { since: 'page' })
    await pass()
    await replay(signals)
    // A module that loads later gets its signals, too.
    page.receiveSignal('C', (data) => heard.push(data))
    await pass()
    expect(heard).toEqual(['again 0', 1, 'again 3', 2])
  })

  it('handles the signals of a new epoch, whatever the last page has handled', async () => {
    const heard: unknown[] = []
    load().receiveSignal('A', () => 1)
    await pass()
    relay.deliver('A')
    leave()
    relay.isAnswering = false
    load().receiveSignal('A', (data) => heard.push(data))
    await pass()
    await replay([{ ...relay.signal('A', { data: 'new' }), offset: 1 }], 'e2')
    expect(heard).toEqual(['new'])
  })

  it("takes a signal of the tab's last page as its own", async () => {
    const heard: unknown[] = []
    load()
    await pass()
    leave()
    relay.isAnswering = false
    const page = load()
    page.receiveSignal('A', (data) => heard.push(data), { from: 'others' })
    await pass()
    const signals = [WELCOME.tab, 'you', undefined].map((tab) =>
      relay.signal('A', { data: tab ?? 'a server', sender: tab === undefined ? {} : { tab } }),
    )
    relay.send(
      { ...WELCOME, tab: 'another' },
      { type: 'joined', room: 'main', epoch: 'e1', offset: 0, head: 3, recovered: true },
      ...signals,
    )
    await pass()
    expect(heard).toEqual(['you', 'a server'])
  })

  describe('a window that begins with a copy of the state of its opener', () => {
    const heard: unknown[] = []

    /** Opens a page that the relay calls `popup` while the last one, called `me`, lives. */
    async function openPopup(): Promise<readonly SignalClient[]> {
      heard.length = 0
      load().receiveSignal('A', () => 1)
      await pass()
      relay.deliver('A')
      await pass(200)
      const openers = clients
      clients = []
      relay.isAnswering = false
      load().receiveSignal('A', (data, { self }) => heard.push([data, self]))
      await pass()
      relay.send({ ...WELCOME, tab: 'popup' })
      relay.send({ type: 'joined', room: 'main', epoch: 'e1', offset: 1, head: 1, recovered: true })
      clients.push(...openers)
      return openers
    }

    it('is a page of its own: the signals of the opener are not its own, and it gets those that exclude the opener', async () => {
      await openPopup()
      relay.deliver('A', { data: 'of the opener', sender: { tab: WELCOME.tab } })
      relay.deliver('A', { data: 'excludes the opener', sender: {}, exclude: WELCOME.tab })
      relay.deliver('A', { data: 'of the popup', sender: { tab: 'popup' } })
      await pass()
      expect(heard).toEqual([
        ['of the opener', false],
        ['excludes the opener', false],
        ['of the popup', true],
      ])
    })

    it('is no such window where the last page is left after all: it sent its signals from the same tab', async () => {
      const left = await openPopup()
      // Only the old page hides, but all pages of this test share a window.
      happen('pagehide', { persisted: false })
      for (const client of left) client.close()
      happen('pageshow', { persisted: true })
      await pass()
      relay.send({ ...WELCOME, tab: 'popup' })
      relay.send({ type: 'joined', room: 'main', epoch: 'e1', offset: 1, head: 1, recovered: true })
      relay.deliver('A', { data: 'of the last page', sender: { tab: WELCOME.tab } })
      relay.deliver('A', { data: 'excludes the last page', sender: {}, exclude: WELCOME.tab })
      await pass()
      expect(heard).toEqual([['of the last page', true]])
    })
  })

  it('reports a signal whose time was over before the next page, as a signal of unknown outcome', async () => {
    relay.isAnswering = false
    const page = load()
    void page.sendSignal('A', undefined, { ttl: 10_000 })
    await pass()
    leave()
    vi.setSystemTime(Date.now() + 3_600_000)
    const errors: string[] = []
    load({ onError: ({ code }) => errors.push(code) })
    await pass()
    expect(errors).toEqual(['expired'])
    leave()
    load({ onError: ({ code }) => errors.push(code) })
    await pass()
    expect(errors).toEqual(['expired'])
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

  it.each<[string, Partial<Storage> | undefined, number]>([
    ['again, for more, when the answer comes late', sessionStorage, 1],
    ['once where nothing can be remembered: it would reload at the same signal for ever', undefined, 0],
    [
      'once where storage can be read and not written',
      { getItem: () => null, removeItem: () => undefined, setItem: overflow },
      0,
    ],
  ])('asks for what it missed %s', async (_what, storage, joins) => {
    vi.stubGlobal('sessionStorage', storage)
    relay.isAnswering = false
    load().receiveSignal('A', () => 1)
    await pass()
    relay.send(WELCOME)
    await pass(1000)
    relay.send({ type: 'joined', room: 'main', epoch: 'e1', offset: 0, head: 0, recovered: true })
    await pass()
    expect(relay.sent('join').length).toBe(joins)
  })

  it.each(['now', 'lazy', 'manual'] as const)(
    'goes on there also when the page between is left before it receives (%s)',
    async (connect) => {
      load().receiveSignal('A', () => 1)
      await pass()
      relay.deliver('A')
      leave()
      load({ connect })
      await pass(5)
      leave()
      load().receiveSignal('A', () => 1)
      await pass()
      expect(relay.sent('hello').at(-1)?.rooms).toMatchObject([{ room: 'main', since: { epoch: 'e1', offset: 1 } }])
    },
  )

  it.each([200, 30])('goes on after what the last page handled %i ms before its end without pagehide', async (age) => {
    load().receiveSignal('A', () => 1)
    await pass()
    for (let count = 0; count < 3; count += 1) {
      relay.deliver('A')
      await pass(age)
    }
    // The browser ended the page, as it may when another site took its place: there was no pagehide.
    const ended = clients
    clients = []
    load().receiveSignal('A', () => 1)
    await pass()
    expect(relay.sent('hello').at(-1)?.rooms).toMatchObject([{ room: 'main', since: { epoch: 'e1', offset: 3 } }])
    clients.push(...ended)
  })

  it('does the same where the page between never connected', async () => {
    load().receiveSignal('A', () => 1)
    await pass()
    relay.deliver('A')
    await pass(200)
    const ended = [...clients]
    clients = []
    load({ connect: 'manual' })
    ended.push(...clients)
    clients = []
    load().receiveSignal('A', () => 1)
    await pass()
    expect(relay.sent('hello').at(-1)?.rooms).toMatchObject([{ room: 'main', since: { epoch: 'e1', offset: 1 } }])
    clients.push(...ended)
  })

  it('takes up what a page leaves that hides only after its successor began, and is moved back by nothing', async () => {
    const slow = load()
    slow.receiveSignal('A', () => 1)
    await pass()
    relay.deliver('A')
    relay.isAnswering = false
    void slow.sendSignal('Late')
    await pass()
    const early = clients
    clients = []
    relay.isAnswering = true
    const next = load()
    next.receiveSignal('A', () => 1)
    await pass()
    relay.deliver('A')
    await pass(200)
    relay.frames.length = 0
    // Only the old page hides, but all pages of this test share a window.
    happen('pagehide', { persisted: false })
    for (const client of early) client.close()
    happen('pageshow', { persisted: true })
    await pass(200)
    expect(sentSignals()).toContain('Late')
    leave()
    load().receiveSignal('A', () => 1)
    await pass()
    expect(relay.sent('hello').at(-1)?.rooms).toMatchObject([{ room: 'main', since: { epoch: 'e1', offset: 2 } }])
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
    happen('pageshow', { persisted: true })
    await pass()
    expect(page.status).toMatchObject({ state: 'online', resumed: true })
    expect(relay.sent('hello').at(-1)?.rooms).toMatchObject([{ since: { epoch: 'e1', offset: 1 } }])
    expect(sentSignals()).toEqual(['Waited'])
  })

  it('never sends what a later page of another user left', async () => {
    relay.isAnswering = false
    load({ token: 'ann' })
    await pass()
    relay.send({ ...WELCOME, user: 'ann' })
    leave({ persisted: true })
    const cached = clients
    clients = []
    void load({ token: 'bob' }).sendSignal('OfBob')
    await pass()
    relay.send({ ...WELCOME, user: 'bob' })
    await pass()
    leave()
    clients = cached
    relay.frames.length = 0
    happen('pageshow', { persisted: true })
    await pass()
    relay.send({ ...WELCOME, user: 'ann' })
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
    happen('pageshow', { persisted: true })
    await pass()
    expect(sentSignals().toSorted()).toEqual(['First', 'Later'])
  })
})

function overflow(): never {
  throw new DOMException('It is full.', 'QuotaExceededError')
}
