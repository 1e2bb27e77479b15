import { describe, expect, it, vi } from 'vitest'
import { pass } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { errors, online, relay } = useClients()

describe('receiving', () => {
  it('knows its own signals by what the relay says, not by an id that somebody chose', async () => {
    const client = await online()
    const heard: boolean[] = []
    client.receiveSignal('A', (_data, { self }) => heard.push(self))
    await pass()
    relay().deliver('A', { id: 'me-and-some-more-chars', sender: { tab: 'you' } })
    expect(heard).toEqual([false])
  })

  it('calls the handler with the data and the signal', async () => {
    const client = await online()
    const handler = vi.fn()
    client.receiveSignal('A', handler)
    await pass()
    relay().deliver('A', { data: { userId: 1 }, sender: { tab: 'you', user: 'ann' }, at: 99 })
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
    relay().deliver('A')
    relay().deliver('constructor')
    expect(heard).toEqual(['A', '* A', '* constructor'])
  })

  it('knows its own signals, and keeps them from receivers of others', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('A', (data, { self }) => heard.push([data, self]))
    client.receiveSignal('A', (data) => heard.push([data, 'others']), { from: 'others' })
    await pass()
    relay().deliver('A', { data: 1, sender: { tab: 'me' } })
    relay().deliver('A', { data: 2, sender: { tab: 'you' } })
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
    relay().deliver('A', { data: 1 })
    relay().deliver('A', { data: 2 })
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
    relay().deliver('A')
    abort.abort()
    stop()
    stop()
    relay().deliver('A')
    expect(heard).toEqual(['once', 'abort', 'stop'])
  })

  it('compares a new receiver only with those of the same function', async () => {
    const client = await online()
    const steps = vi.spyOn(Object.getPrototypeOf(new Map().entries()) as MapIterator<unknown>, 'next')

    for (let index = 0; index < 100; index += 1) client.receiveSignal('A', () => index)

    expect(steps.mock.calls.length).toBeLessThan(1000)
  })

  it('registers the same function, name and options once', async () => {
    const client = await online()
    const handler = vi.fn()
    const first = client.receiveSignal('A', handler)
    const second = client.receiveSignal('A', handler)
    client.receiveSignal('A', handler, { room: 'main', once: false, from: 'anyone' })
    client.receiveSignal('A', handler, { from: 'others' })
    await pass()
    relay().deliver('A', { sender: { tab: 'me' } })
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
    relay().deliver('A')
    relay().deliver('A')
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
    relay().deliver('A')
    expect(late).not.toHaveBeenCalled()
  })
})
