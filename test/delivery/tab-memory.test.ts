import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTabMemory } from '../../src/delivery/tab-memory.js'
import type { Parcel } from '../../src/delivery/parcel.js'

const URL = 'wss://relay.test/signals'
const parcel = (id: string, ttl = 60_000): Parcel => ({ id, text: `"${id}"`, bytes: 3, slot: undefined, ttl })
const positions = new Map([['main', { epoch: 'e', offset: 7, id: 'x' }]])
const NOTHING = { positions: new Map(), parcels: [] }

beforeEach(() => {
  vi.useFakeTimers()
  sessionStorage.clear()
})

afterEach(() => void vi.useRealTimers())

describe('the memory of a tab', () => {
  it('hands over positions and signals to the next page, once', () => {
    openTabMemory(URL).keep({ positions, parcels: [parcel('a'), parcel('b')], user: undefined })
    vi.setSystemTime(Date.now() + 1000)
    expect(openTabMemory(URL).take()).toEqual({
      positions,
      parcels: [parcel('a', 59_000), parcel('b', 59_000)],
    })
    expect(openTabMemory(URL).take()).toEqual(NOTHING)
  })

  it('is another one for another relay', () => {
    openTabMemory(URL).keep({ positions, parcels: [], user: undefined })
    expect(openTabMemory('wss://other.test/').take()).toEqual(NOTHING)
  })

  it('forgets positions after a minute, and signals when their time is over', () => {
    openTabMemory(URL).keep({ positions, parcels: [parcel('short', 61_000), parcel('long', 120_000)], user: undefined })
    vi.setSystemTime(Date.now() + 62_000)
    expect(openTabMemory(URL).take()).toEqual({ positions: new Map(), parcels: [parcel('long', 58_000)] })
  })

  it('keeps what another client of the page has written, and each signal once', () => {
    openTabMemory(URL).keep({ positions, parcels: [parcel('a')], user: undefined })
    openTabMemory(URL).keep({
      positions: new Map([['side', { epoch: 'e', offset: 1 }]]),
      parcels: [parcel('a'), parcel('b')],
      user: undefined,
    })
    const both = openTabMemory(URL).take()
    expect([[...(both?.positions.keys() ?? [])], both?.parcels.map(({ id }) => id)]).toEqual([
      ['main', 'side'],
      ['a', 'b'],
    ])
  })

  it('survives a clock that was set back', () => {
    openTabMemory(URL).keep({ positions, parcels: [parcel('a')], user: undefined })
    vi.setSystemTime(Date.now() - 3_600_000)
    expect(openTabMemory(URL).take()?.parcels).toEqual([parcel('a')])
  })

  it('holds no identity: what a duplicated tab gets names no page', () => {
    openTabMemory(URL).keep({ positions, parcels: [parcel('a')], user: undefined })
    expect(JSON.stringify({ ...sessionStorage })).not.toMatch(/tab|secret|token/)
  })

  it.each([
    ['text that is not JSON', '{'],
    ['another form', '{"at":1,"positions":5,"parcels":null}'],
    ['a list', '[]'],
  ])('remembers nothing from %s', (_what, text) => {
    sessionStorage.setItem(`signalpost 2 ${URL}`, text)
    expect(openTabMemory(URL).take()).toEqual(NOTHING)
  })

  it('leaves alone what another version has written', () => {
    sessionStorage.setItem(`signalpost ${URL}`, '{"v":1,"at":1,"positions":[],"parcels":[]}')
    expect(openTabMemory(URL).take()).toEqual(NOTHING)
    expect(sessionStorage).toHaveLength(1)
  })

  it('drops positions that no relay would take', () => {
    const at = Date.now()
    const bad = [
      ['main', { epoch: 5, offset: -1 }],
      ['side', null],
      ['good', { epoch: 'e', offset: 1 }],
    ]
    sessionStorage.setItem(`signalpost 2 ${URL}`, JSON.stringify({ at, positions: bad, parcels: [] }))
    expect([...(openTabMemory(URL).take()?.positions.keys() ?? [])]).toEqual(['good'])
  })

  it.each(['getItem', 'setItem', 'removeItem'] as const)('is harmless when storage denies %s', (method) => {
    vi.stubGlobal('sessionStorage', {
      getItem: () => null,
      setItem: () => undefined,
      removeItem: () => undefined,
      [method]: () => {
        throw new Error('denied')
      },
    })
    const memory = openTabMemory(URL)
    memory.keep({ positions, parcels: [parcel('a')], user: undefined })
    expect(memory.take()).toBeUndefined()
  })

  it('is harmless where there is no storage', () => {
    vi.stubGlobal('sessionStorage', undefined)
    openTabMemory(URL).keep({ positions, parcels: [parcel('a')], user: undefined })
    expect(openTabMemory(URL).take()).toBeUndefined()
  })
})
