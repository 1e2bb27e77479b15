import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isHidden, watchLifecycle } from '../../src/connection/lifecycle.js'

let told: string[]
let stop: () => void
let visibility: DocumentVisibilityState
let network: EventTarget & { type?: string }

beforeEach(() => {
  vi.useFakeTimers()
  told = []
  visibility = 'visible'
  network = Object.assign(new EventTarget(), { type: 'wifi' })
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility)
  Object.defineProperty(navigator, 'connection', { configurable: true, value: network })
  stop = watchLifecycle({
    suspend: (reason) => told.push(`suspend ${reason}`),
    wake: (quiet) => told.push(`wake ${quiet}`),
    doubt: () => told.push('doubt'),
    block: (address) => told.push(`block ${address}`),
  })
})

afterEach(() => {
  stop()
  expect(vi.getTimerCount()).toBe(0)
  Reflect.deleteProperty(navigator, 'connection')
  vi.useRealTimers()
})

function happen(type: string, target: EventTarget = window, more: object = {}): void {
  target.dispatchEvent(Object.assign(new Event(type), more))
}

describe('what happens to a page', () => {
  it.each<[string, () => void, string[]]>([
    ['it is left', () => happen('pagehide'), ['suspend pagehide']],
    ['it is frozen', () => happen('freeze', document), ['suspend freeze']],
    ['it comes back from the cache', () => happen('pageshow', window, { persisted: true }), ['wake 0']],
    ['it is shown for the first time', () => happen('pageshow', window, { persisted: false }), []],
    ['it is thawed', () => happen('resume', document), ['wake 0']],
    ['it was prepared and is now really shown', () => happen('prerenderingchange', document), ['wake 0']],
    ['it becomes visible', () => happen('visibilitychange', document), ['wake 5000']],
    ['its window gets the focus', () => happen('focus'), ['wake 15000']],
    ['the network is back', () => happen('online'), ['wake 0']],
    ['the network is said to be gone', () => happen('offline'), ['doubt']],
  ])('when %s', (_what, event, expected) => {
    event()
    expect(told).toEqual(expected)
  })

  it('keeps the connection when it is hidden', () => {
    visibility = 'hidden'
    happen('visibilitychange', document)
    expect([told, isHidden()]).toEqual([[], true])
  })

  it('wakes when the kind of network has changed and settled, and not when its speed changes', () => {
    happen('change', network)
    network.type = 'cellular'
    happen('change', network)
    happen('change', network)
    expect(told).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(told).toEqual(['wake 0'])
  })

  it('notices by the clock that the machine slept, unless nobody sees the page', () => {
    vi.advanceTimersByTime(20_000)
    expect(told).toEqual([])
    vi.setSystemTime(Date.now() + 60_000)
    vi.advanceTimersByTime(5000)
    expect(told).toEqual(['wake 0'])
    visibility = 'hidden'
    happen('visibilitychange', document)
    expect(vi.getTimerCount()).toBe(0)
    vi.setSystemTime(Date.now() + 60_000)
    vi.advanceTimersByTime(5000)
    expect(told).toEqual(['wake 0'])
  })

  it('is over after the stop', () => {
    happen('change', Object.assign(network, { type: 'cellular' }))
    stop()
    for (const type of ['pagehide', 'online', 'offline', 'focus']) happen(type)
    happen('visibilitychange', document)
    happen('change', Object.assign(network, { type: 'none' }))
    vi.setSystemTime(Date.now() + 600_000)
    vi.advanceTimersByTime(60_000)
    expect(told).toEqual([])
  })

  it('reports an address that a content policy blocks, also where there is no page', () => {
    const violation = { disposition: 'enforce', blockedURI: 'wss://relay.test/signals' }
    stop()
    vi.stubGlobal('document', undefined)
    const block = vi.fn()
    const end = watchLifecycle({ suspend: vi.fn(), wake: vi.fn(), doubt: vi.fn(), block })
    happen('securitypolicyviolation', window, violation)
    end()
    happen('securitypolicyviolation', window, violation)
    expect(block.mock.calls).toEqual([['wss://relay.test/signals']])
  })

  it('does nothing else where there is no page', () => {
    vi.stubGlobal('document', undefined)
    watchLifecycle({ suspend: vi.fn(), wake: vi.fn(), doubt: vi.fn(), block: vi.fn() })()
    expect(isHidden()).toBe(false)
  })
})
