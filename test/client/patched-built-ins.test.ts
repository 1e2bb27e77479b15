import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, getPageClient, type SignalClient } from '../../src/index.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'
import { happen, turnPage } from '../support/page-events.js'

let relay: ReturnType<typeof startMockRelay>

function load(): SignalClient {
  turnPage()
  return createSignalClient({ url: RELAY_URL, onError: () => undefined })
}

beforeEach(() => {
  vi.useFakeTimers()
  sessionStorage.clear()
  relay = startMockRelay()
})

afterEach(async () => {
  getPageClient()?.close()
  await pass()
  relay.stop()
  vi.useRealTimers()
})

describe('on a page with Prototype 1.6, whose arrays have a toJSON that returns text', () => {
  beforeEach(() => {
    Object.assign(Array.prototype, {
      toJSON(this: unknown[]) {
        return `[${this.map((item) => JSON.stringify(item)).join(', ')}]`
      },
    })
  })

  afterEach(() => {
    Reflect.deleteProperty(Array.prototype, 'toJSON')
  })

  it('the client connects, sends and receives arrays, and leaves its state to the next page', async () => {
    const posts: unknown[] = []
    vi.stubGlobal('fetch', async (_url: string, { body }: RequestInit) => posts.push(JSON.parse(body as string)))
    const page = load()
    page.receiveSignal('A', () => undefined)
    await pass()
    expect(relay.sent('hello')).toMatchObject([{ rooms: [{ room: 'main' }] }])
    relay.deliver('A')
    relay.isAnswering = false
    void page.sendSignal('B', { list: [1, ['two']] })
    await pass()
    expect(relay.sent('signal')).toMatchObject([{ data: { list: [1, ['two']] } }])
    happen('pagehide', { persisted: false })
    expect(posts).toMatchObject([{ signals: [{ data: { list: [1, ['two']] } }] }])
    page.close()
    relay.isAnswering = true
    load().receiveSignal('A', () => undefined)
    await pass()
    expect(relay.sent('hello').at(-1)).toMatchObject({ rooms: [{ since: { epoch: 'e1', offset: 1 } }] })
    expect(relay.sent('signal')).toMatchObject([{ signal: 'B' }, { signal: 'B', data: { list: [1, ['two']] } }])
  })
})

describe('on a page with MooTools, which replaces Event', () => {
  it('the client is the client of the page', () => {
    vi.stubGlobal('Event', function wrap(this: object, event: { readonly type: string }) {
      Object.assign(this, { type: event.type })
    })
    const page = load()
    expect(getPageClient()).toBe(page)
  })
})
