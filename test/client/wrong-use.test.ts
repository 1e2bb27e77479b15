import { Blob } from 'node:buffer'
import { describe, expect, it, vi } from 'vitest'
import {
  createSignalClient,
  getPageClient,
  setPageClient,
  type ClientOptions,
  type SignalClient,
} from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { connect, online, relay } = useClients()

describe('sending wrongly', () => {
  it.each([
    ['a name that breaks the rule', 'bad-name', ['1st']],
    ['the wildcard as a name', 'bad-name', ['*']],
    ['a name of 129 characters', 'bad-name', ['x'.repeat(129)]],
    ['a room that breaks the rule', 'bad-name', ['A', 1, { room: 'a b' }]],
    ['a function in the data', 'bad-data', ['A', { save: () => 1 }]],
    ['a BigInt in the data', 'bad-data', ['A', { id: 1n }]],
    ['a symbol in the data', 'bad-data', ['A', { id: Symbol('s') }]],
    ['a number that is not finite', 'bad-data', ['A', { sum: Number.NaN }]],
    ['a Map', 'bad-data', ['A', new Map([['userId', 1]])]],
    ['a Set in the data', 'bad-data', ['A', { rows: new Set([1]) }]],
    ['a form', 'bad-data', ['A', { [Symbol.toStringTag]: 'FormData' }]],
    ['a file', 'bad-data', ['A', [new Blob(['text'])]]],
    ['bytes', 'bad-data', ['A', new Uint8Array(2)]],
    ['an element', 'bad-data', ['A', { from: document.body }]],
    ['an error', 'bad-data', ['A', { error: new Error('failed') }]],
    ['a pattern', 'bad-data', ['A', /a/]],
    ['a promise that was not awaited', 'bad-data', ['A', { user: Promise.resolve(1) }]],
    ['a date that is none', 'bad-data', ['A', { at: new Date('tomorrow') }]],
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
    expect(relay().sent('signal')).toEqual([])
  })

  it('takes plain values, objects of a class, and values that turn themselves into JSON', async () => {
    const client = await online()
    class Income {
      userId = 1
      day = new Date(0)
    }
    const money = { toJSON: () => '1 EUR' }
    const bare = Object.assign(Object.create(null) as object, { nothing: null, missing: undefined })
    const data = { income: new Income(), money, bare, list: [1, 'two', true], url: new URL('https://example.com/') }
    void client.sendSignal('A', data)
    await pass()
    expect(
      relay()
        .sent('signal')
        .map((frame) => frame.data),
    ).toEqual([JSON.parse(JSON.stringify(data))])
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

describe('receiving wrongly', () => {
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
    relay().deliver('A')
    client.close()
    expect([handler.mock.calls, relay().sent('join'), client.status.state]).toEqual([[], [], 'closed'])
  })
})

describe('a client that is used wrongly', () => {
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
})
