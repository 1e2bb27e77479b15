import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sharedFetch, type SharedFetchOptions } from '../../src/tabs/index.js'
import { createFakeChannels } from '../support/fake-channel.js'
import { createFakeLocks } from '../support/fake-locks.js'

const ADDRESS = 'https://shop.test/report'

/** A request that the server got. */
interface Requested {
  readonly url: string
  readonly init: RequestInit
  answer(text: string, more?: { status?: number; url?: string }): void
  fail(): void
}

/** A tab that needs a page. */
interface Tab {
  readonly needs: { changedAt: number; startedAt: number; signal: AbortSignal }
  /** What the tab got, or its error. */
  readonly got: string[]
  readonly response?: Response
  /** Ends its refreshes. */
  stop(): void
  /** Drops the request. */
  abort(): void
}

let requests: Requested[]
let channels: ReturnType<typeof createFakeChannels>
let locks: ReturnType<typeof createFakeLocks>
let page: EventTarget

interface Asking {
  /** How long ago the last signal arrived (ms). */
  readonly changed?: number
  readonly url?: string
  readonly init?: RequestInit
  readonly options?: SharedFetchOptions
}

const WAIT = 150

function ask({ changed = WAIT, url = ADDRESS, init, options }: Asking = {}): Tab {
  const ended = new AbortController()
  const controller = new AbortController()
  const got: string[] = []
  const now = performance.now()
  const needs = { changedAt: now - changed, startedAt: now, signal: ended.signal }
  const tab: Tab & { response?: Response } = {
    needs,
    got,
    stop: () => ended.abort(),
    abort: () => controller.abort(new Error('dropped')),
  }
  const fetching = sharedFetch(options)(url, { signal: controller.signal, ...init }, needs)

  async function take(): Promise<void> {
    try {
      tab.response = await fetching
      got.push(await tab.response.text())
    } catch (error) {
      got.push((error as Error).message)
    }
  }

  void take()
  return tab
}

const pass = (time = 10): Promise<unknown> => vi.advanceTimersByTimeAsync(time)

/** Lets the tab that opened the nth channel hang. */
const hang = (tab: number): void => void ([...channels.open][tab]!.isHanging = true)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  requests = []
  channels = createFakeChannels()
  locks = createFakeLocks()
  page = new EventTarget()
  vi.stubGlobal('navigator', { locks })
  vi.stubGlobal('BroadcastChannel', channels.FakeChannel)
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error))
      requests.push({
        url,
        init,
        answer(text, { status = 200, url: place } = {}) {
          const response = new Response(text, { status, headers: { 'Content-Type': 'text/html; charset=utf-8' } })
          const facts = { url: { value: place ?? url }, redirected: { value: place !== undefined } }
          resolve(Object.defineProperties(response, facts))
        },
        fail: () => reject(new TypeError('Failed to fetch')),
      })
    })
  })
})

afterEach(async () => {
  page.dispatchEvent(new Event('pagehide'))
  await pass()
  expect([vi.getTimerCount(), locks.held(), channels.open.size]).toEqual([0, [], 0])
})

describe('tabs that need the same page', () => {
  it('make one request, and all get its response', async () => {
    const tabs = [ask()]
    for (let count = 0; count < 4; count += 1) {
      await pass()
      tabs.push(ask())
    }
    await pass()
    requests[0]?.answer('fresh')
    await pass()
    expect([requests.length, tabs.map(({ got }) => got)]).toEqual([1, tabs.map(() => ['fresh'])])
  })

  it('get the same facts of the response', async () => {
    const tabs = [ask(), ask()]
    await pass()
    requests[0]?.answer('no', { status: 404, url: 'https://shop.test/elsewhere' })
    await pass()
    const facts = tabs.map(({ response }) => [
      response?.ok,
      response?.status,
      response?.url,
      response?.redirected,
      response?.headers.get('content-type'),
    ])
    const expected = [false, 404, 'https://shop.test/elsewhere', true, 'text/html; charset=utf-8']
    expect([facts, requests.length]).toEqual([[expected, expected], 1])
  })

  it('get a response without a body', async () => {
    const tabs = [ask(), ask()]
    await pass()
    requests[0]?.answer(null as never, { status: 204 })
    await pass()
    expect(tabs.map(({ response }) => response?.status)).toEqual([204, 204])
  })

  it('take a response that has arrived before they asked', async () => {
    ask()
    await pass()
    requests[0]?.answer('fresh')
    await pass(20_000)
    const late = ask({ changed: 20_200 })
    await pass()
    expect([requests.length, late.got]).toEqual([1, ['fresh']])
  })

  it('make another request after 30 seconds', async () => {
    ask()
    await pass()
    requests[0]?.answer('fresh')
    await pass(30_000)
    expect([locks.held(), channels.open.size]).toEqual([[], 0])
    ask({ changed: 40_000 })
    await pass()
    expect(requests).toHaveLength(2)
  })

  it('learn when the request started, by their own clocks', async () => {
    const first = ask()
    await pass()
    const second = ask()
    const now = performance.now()
    await pass()
    requests[0]?.answer('fresh')
    await pass()
    expect(first.needs.startedAt).toBe(now - 10)
    expect(second.needs.startedAt).toBeLessThanOrEqual(now - 10)
    expect(second.needs.startedAt).toBeGreaterThan(second.needs.changedAt)
  })
})

describe('a tab whose signal came after the request of another tab had started', () => {
  it('does not take the response, and makes the next request', async () => {
    const first = ask()
    await pass(100)
    const late = ask({ changed: 90 })
    await pass()
    requests[0]?.answer('old')
    await pass()
    expect([first.got, late.got]).toEqual([['old'], []])
    requests[1]?.answer('fresh')
    await pass()
    expect([requests.length, late.got]).toEqual([2, ['fresh']])
  })

  it('does not take the response, either, where rounded clocks may hide that', async () => {
    ask()
    await pass(10)
    // By the clocks, the request started 30 ms after the signal.
    const late = ask({ changed: 40 })
    await pass()
    requests[0]?.answer('old')
    await pass()
    requests[1]?.answer('fresh')
    await pass()
    expect([requests.length, late.got]).toEqual([2, ['fresh']])
  })

  it('does not take the response that another tab keeps', async () => {
    ask()
    await pass()
    requests[0]?.answer('old')
    await pass(1000)
    const late = ask({ changed: 900 })
    await pass()
    requests[1]?.answer('fresh')
    await pass()
    expect(late.got).toEqual(['fresh'])
  })

  it('shares its own request with others of that kind', async () => {
    ask()
    await pass(200)
    const late = [ask({ changed: 180 }), ask({ changed: 185 }), ask({ changed: 170 })]
    await pass()
    requests[0]?.answer('old')
    await pass()
    requests[1]?.answer('fresh')
    await pass()
    expect([requests.length, late.map(({ got }) => got)]).toEqual([2, [['fresh'], ['fresh'], ['fresh']]])
  })

  it('does not take the response when the signal comes while it waits', async () => {
    ask()
    await pass()
    const waiting = ask()
    await pass(50)
    waiting.needs.changedAt = performance.now()
    requests[0]?.answer('old')
    await pass()
    expect(waiting.got).toEqual([])
    requests[1]?.answer('fresh')
    await pass()
    expect(waiting.got).toEqual(['fresh'])
  })

  it('makes a request of its own beside one that takes long', async () => {
    const first = ask()
    await pass(100)
    const late = ask({ changed: 90 })
    const waiting = ask({ changed: 300 })
    await pass(3000)
    requests[1]?.answer('fresh')
    await pass()
    expect([late.got, waiting.got]).toEqual([['fresh'], []])
    requests[0]?.answer('old')
    await pass()
    expect([requests.length, first.got, waiting.got]).toEqual([2, ['old'], ['old']])
  })
})

describe('the other tabs go on', () => {
  it('when the requesting one closes or crashes', async () => {
    ask()
    await pass()
    const others = [ask(), ask()]
    await pass()
    // The browser takes what a dead page held.
    const [dead] = [...channels.open]
    dead?.close()
    locks.release(locks.held()[0] ?? '')
    await pass()
    requests[1]?.answer('fresh')
    await pass()
    expect([requests.length, others.map(({ got }) => got)]).toEqual([2, [['fresh'], ['fresh']]])
  })

  it('when the requesting one hangs', async () => {
    const first = ask()
    await pass()
    const others = [ask(), ask()]
    hang(0)
    await pass(3000)
    requests[1]?.answer('fresh')
    await pass()
    expect([requests.length, others.map(({ got }) => got)]).toEqual([2, [['fresh'], ['fresh']]])
    requests[0]?.answer('slow')
    await pass()
    expect(first.got).toEqual(['slow'])
  })

  it('when the one that keeps the response hangs', async () => {
    ask()
    await pass()
    requests[0]?.answer('fresh')
    await pass()
    hang(0)
    const other = ask()
    await pass(3000)
    requests[1]?.answer('fresher')
    await pass()
    expect(other.got).toEqual(['fresher'])
  })

  it('when the request fails', async () => {
    const first = ask()
    await pass()
    const second = ask()
    await pass()
    requests[0]?.fail()
    await pass()
    requests[1]?.answer('fresh')
    await pass()
    expect([first.got, second.got]).toEqual([['Failed to fetch'], ['fresh']])
  })

  it('when the requesting one drops the request', async () => {
    const first = ask()
    await pass()
    const second = ask()
    await pass()
    first.abort()
    await pass()
    expect([requests[0]?.init.signal?.aborted, first.got]).toEqual([true, ['dropped']])
    requests[1]?.answer('fresh')
    await pass()
    expect(second.got).toEqual(['fresh'])
  })

  it('when one of them drops its request', async () => {
    const first = ask()
    await pass()
    const [second, third] = [ask(), ask()]
    await pass()
    second.abort()
    await pass()
    requests[0]?.answer('fresh')
    await pass()
    expect([first.got, second.got, third.got, requests.length]).toEqual([['fresh'], ['dropped'], ['fresh'], 1])
  })

  it('without another request as long as the requesting one answers', async () => {
    ask()
    await pass()
    const waiting = ask()
    await pass(20_000)
    requests[0]?.answer('fresh')
    await pass()
    expect([requests.length, waiting.got]).toEqual([1, ['fresh']])
  })
})

it.each(['pagehide', 'freeze'])('a tab leaves the others at %s, and its own refresh goes on', async (event) => {
  const tabs = [ask(), ask()]
  await pass()
  page.dispatchEvent(new Event(event))
  await pass()
  expect([locks.held(), channels.open.size, requests.length]).toEqual([[], 0, 2])
  for (const { answer } of requests) answer('fresh')
  await pass()
  expect(tabs.map(({ got }) => got)).toEqual([['fresh'], ['fresh']])
})

describe('a response is not kept', () => {
  it.each([
    ['that is an error', { status: 500 }],
    ['of a user who is signed out', { url: 'https://shop.test/login' }],
  ])('%s', async (_what, more) => {
    ask()
    await pass()
    requests[0]?.answer('no', more)
    await pass()
    expect(locks.held()).toEqual([])
  })

  it('longer than the refresh that needed it', async () => {
    const tab = ask()
    await pass()
    requests[0]?.answer('fresh')
    await pass()
    expect(locks.held()).toHaveLength(1)
    tab.stop()
    await pass()
    expect(locks.held()).toEqual([])
  })

  it('when the refresh has ended before', async () => {
    const tab = ask()
    await pass()
    tab.stop()
    requests[0]?.answer('fresh')
    await pass()
    expect([locks.held(), tab.got]).toEqual([[], ['fresh']])
  })
})

describe('tabs share nothing', () => {
  it.each<[string, Asking, Asking]>([
    ['of different addresses', {}, { url: `${ADDRESS}?page=2` }],
    ['of different headers', {}, { init: { headers: { Authorization: 'Bearer 2' } } }],
    ['of different users', { options: { user: 'a' } }, { options: { user: 'b' } }],
    ['with a POST', { init: { method: 'POST' } }, { init: { method: 'POST' } }],
  ])('%s', async (_what, one, other) => {
    ask(one)
    ask(other)
    await pass()
    expect(requests).toHaveLength(2)
    for (const { fail } of requests) fail()
  })

  it.each([
    ['without locks', () => vi.stubGlobal('navigator', {})],
    ['without channels', () => vi.stubGlobal('BroadcastChannel', undefined)],
    [
      'where the browser forbids locks',
      () =>
        vi.stubGlobal('navigator', { locks: { request: () => Promise.reject(new DOMException('', 'SecurityError')) } }),
    ],
  ])('%s', async (_what, remove) => {
    remove()
    const tabs = [ask(), ask()]
    await pass()
    for (const { answer } of requests) answer('fresh')
    await pass()
    expect(tabs.map(({ got }) => got)).toEqual([['fresh'], ['fresh']])
    expect(requests).toHaveLength(2)
  })
})

it('tabs share a page whatever part of it they show', async () => {
  ask({ url: `${ADDRESS}#top` })
  ask({ url: `${ADDRESS}#bottom` })
  await pass()
  requests[0]?.answer('fresh')
  await pass()
  expect(requests).toHaveLength(1)
})
