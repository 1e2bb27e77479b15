import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, nextSignal, type SignalClient, signalStream } from '../../src/index.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'

let relay: ReturnType<typeof startMockRelay>
let client: SignalClient

beforeEach(async () => {
  vi.useFakeTimers()
  relay = startMockRelay()
  client = createSignalClient({ url: RELAY_URL, onError: () => undefined })
  await pass()
})

afterEach(async () => {
  client.close()
  await pass()
  relay.stop()
  vi.useRealTimers()
})

describe('nextSignal', () => {
  it('resolves with the next signal of the name, and stops to listen', async () => {
    const next = nextSignal(client, 'A')
    await pass()
    relay.deliver('B', { data: 0 })
    relay.deliver('A', { data: 1 })
    expect(await next).toMatchObject({ name: 'A', data: 1 })
    await pass()
    expect(relay.sent('leave')).toHaveLength(1)
  })

  it('takes the options of a receiver', async () => {
    const next = nextSignal(client, '*', { room: 'side', where: ({ data }) => data === 2 })
    await pass()
    relay.deliver('A', { room: 'side', data: 1 })
    relay.deliver('B', { room: 'side', data: 2 })
    expect(await next).toMatchObject({ name: 'B' })
  })

  it('rejects with the reason when it is aborted, before or while it waits', async () => {
    const abort = new AbortController()
    const next = nextSignal(client, 'A', { signal: abort.signal })
    abort.abort(new Error('gone'))
    await expect(next).rejects.toThrow('gone')
    await expect(nextSignal(client, 'A', { signal: abort.signal })).rejects.toThrow('gone')
  })

  it('rejects as closed when the client is closed, before or while it waits', async () => {
    const next = nextSignal(client, 'A')
    client.close()
    await expect(next).rejects.toMatchObject({ code: 'closed' })
    await expect(nextSignal(client, 'A')).rejects.toMatchObject({ code: 'closed' })
  })

  it('goes on to wait while the token is refused', async () => {
    const next = nextSignal(client, 'A')
    await pass()
    relay.close(4401)
    await pass()
    client.setToken('good')
    await pass()
    relay.deliver('A', { data: 1 })
    expect(await next).toMatchObject({ data: 1 })
  })
})

describe('signalStream', () => {
  it('gives every signal in order, also those that came while the loop was busy, and stops with the loop', async () => {
    const stream = signalStream(client, 'A')
    await pass()
    relay.deliver('A', { data: 1 })
    relay.deliver('A', { data: 2 })
    const heard: unknown[] = []
    for await (const { data } of stream) {
      heard.push(data)
      if (data === 2) relay.deliver('A', { data: 3 })
      if (data === 3) break
    }
    expect(heard).toEqual([1, 2, 3])
    await pass()
    expect(relay.sent('leave')).toHaveLength(1)
    expect(await stream.next()).toEqual({ value: undefined, done: true })
  })

  it('answers a waiting loop when a signal comes', async () => {
    const stream = signalStream(client, 'A')
    const next = stream.next()
    await pass()
    relay.deliver('A', { data: 1 })
    expect(await next).toMatchObject({ value: { data: 1 }, done: false })
  })

  it('ends when it is aborted, after what it still holds', async () => {
    const abort = new AbortController()
    const stream = signalStream(client, 'A', { signal: abort.signal })
    await pass()
    relay.deliver('A', { data: 1 })
    abort.abort()
    expect(await stream.next()).toMatchObject({ value: { data: 1 } })
    expect(await stream.next()).toMatchObject({ done: true })
    expect(await signalStream(client, 'A', { signal: abort.signal }).next()).toMatchObject({ done: true })
  })

  it('ends when the client is closed, before or while the loop waits', async () => {
    const waiting = signalStream(client, 'A').next()
    client.close()
    expect(await waiting).toEqual({ value: undefined, done: true })
    expect(await signalStream(client, 'A').next()).toEqual({ value: undefined, done: true })
  })
})
