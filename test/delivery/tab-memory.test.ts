import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTabMemory } from '../../src/delivery/tab-memory.js'
import { turnPage } from '../support/page-events.js'
import type { OutgoingSignal } from '../../src/delivery/outgoing-signal.js'

const URL = 'wss://relay.test/signals'
const signal = (id: string, ttl = 60_000): OutgoingSignal => ({
  id,
  text: `"${id}"`,
  bytes: 3,
  replaceKey: undefined,
  ttl,
})
const positions = new Map([['main', { epoch: 'e', offset: 7, id: 'x' }]])
/** The memory of the tab's next page. */
function page(url = URL) {
  turnPage()
  return openTabMemory(url)
}

const NOTHING = { positions: new Map(), user: undefined, signals: [] }

beforeEach(() => {
  vi.useFakeTimers()
  sessionStorage.clear()
})

afterEach(() => void vi.useRealTimers())

describe('the memory of a tab', () => {
  it('hands over positions and signals to the next page, once', () => {
    page().keep({ positions, signals: [signal('a'), signal('b')], user: undefined })
    vi.setSystemTime(Date.now() + 1000)
    expect(page().take(true)).toEqual({
      positions,
      signals: [signal('a', 59_000), signal('b', 59_000)],
    })
    expect(page().take(true)).toEqual(NOTHING)
  })

  it('is another one for another relay', () => {
    page().keep({ positions, signals: [], user: undefined })
    expect(page('wss://other.test/').take(true)).toEqual(NOTHING)
  })

  it('forgets positions after a minute, and leaves signals the rest of their time', () => {
    page().keep({ positions, signals: [signal('short', 61_000), signal('long', 120_000)], user: undefined })
    vi.setSystemTime(Date.now() + 62_000)
    expect(page().take(true)).toEqual({ positions: new Map(), signals: [signal('short', 0), signal('long', 58_000)] })
  })

  it('hands over what each client of a page has written, and takes nothing from a page that is there', () => {
    const [one, other] = [page(), openTabMemory(URL)]
    one.keep({ positions, signals: [signal('a')], user: undefined })
    expect(other.take(true)).toEqual(NOTHING)
    other.keep({ positions: new Map(), signals: [signal('b')], user: undefined })
    const next = page().take(true)
    expect([next?.positions, next?.signals.map(({ id }) => id).toSorted()]).toEqual([positions, ['a', 'b']])
  })

  it('gives the page that began last, though an earlier one writes after it', () => {
    const [late, next] = [page(), page()]
    next.keep({ positions: new Map([['main', { epoch: 'e', offset: 9 }]]), user: 'bob' })
    late.keep({ positions, signals: [signal('a')], user: 'ann' })
    expect(next.take(false)).toMatchObject({ signals: [{ id: 'a' }] })
    expect(page().take(true)).toEqual({
      positions: new Map([['main', { epoch: 'e', offset: 9 }]]),
      user: 'bob',
      signals: [],
    })
  })

  it('gives the id of a page that is left late to its successor, and not to a page before it', () => {
    const [before, late, next] = [page(), page(), page()]
    late.keep({ positions, user: '', tab: 'late' })
    expect(before.take(false)?.tab).toBeUndefined()
    late.keep({ positions, user: '', tab: 'late' })
    expect([next.take(false)?.tab, next.take(false)?.tab]).toEqual(['late', undefined])
  })

  it('gives nothing of a page that lives to one that has begun already', () => {
    const [early, next] = [page(), page()]
    next.keep({ positions, user: undefined })
    expect(early.take(false)).toEqual(NOTHING)
    expect(page().take(true)?.positions).toEqual(positions)
  })

  it('writes nothing when a page that has begun finds nothing', () => {
    const setItem = vi.fn()
    vi.stubGlobal('sessionStorage', { length: 0, setItem, getItem: () => null, removeItem: () => undefined })
    const memory = page()
    expect([memory.take(false), setItem.mock.calls]).toEqual([NOTHING, []])
    memory.keep({ positions, user: undefined })
    expect(setItem).toHaveBeenCalledOnce()
  })

  it('survives a clock that was set back', () => {
    page().keep({ positions, signals: [signal('a')], user: undefined })
    vi.setSystemTime(Date.now() - 3_600_000)
    expect(page().take(true)?.signals).toEqual([signal('a')])
  })

  it('holds no identity: what a duplicated tab gets names no page', () => {
    page().keep({ positions, signals: [signal('a')], user: undefined })
    expect(JSON.stringify({ ...sessionStorage })).not.toMatch(/tab|secret|token/)
  })

  it.each([
    ['text that is not JSON', '{'],
    ['another form', '{"at":1,"positions":5,"signals":null}'],
    ['a list', '[]'],
  ])('remembers nothing from %s', (_what, text) => {
    sessionStorage.setItem(`signalpost 5  ${URL} 1 other`, text)
    expect(page().take(true)).toEqual(NOTHING)
  })

  it('leaves alone what another version has written', () => {
    sessionStorage.setItem(`signalpost ${URL}`, '{"v":1,"at":1,"positions":[],"signals":[]}')
    expect(page().take(true)).toEqual(NOTHING)
    expect(sessionStorage).toHaveLength(1)
  })

  it('drops positions that no relay would take', () => {
    const at = Date.now()
    const bad = [
      ['main', { epoch: 5, offset: -1 }],
      ['side', null],
      ['good', { epoch: 'e', offset: 1 }],
    ]
    sessionStorage.setItem(`signalpost 5  ${URL} 1 other`, JSON.stringify({ at, positions: bad, signals: [] }))
    expect([...(page().take(true)?.positions.keys() ?? [])]).toEqual(['good'])
  })

  it.each(['getItem', 'setItem', 'removeItem'] as const)('is harmless when storage denies %s', (method) => {
    vi.stubGlobal('sessionStorage', {
      length: 0,
      key: () => null,
      getItem: () => null,
      setItem: () => undefined,
      removeItem: () => undefined,
      [method]: () => {
        throw new Error('denied')
      },
    })
    const memory = page()
    memory.keep({ positions, signals: [signal('a')], user: undefined })
    expect(memory.take(true)).toBeUndefined()
  })

  it('is harmless where there is no storage', () => {
    vi.stubGlobal('sessionStorage', undefined)
    page().keep({ positions, signals: [signal('a')], user: undefined })
    expect(page().take(true)).toBeUndefined()
  })
})
