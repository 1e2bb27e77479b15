import { describe, expect, it, vi } from 'vitest'
import {
  createSignalClient,
  getPageClient,
  nextSignal,
  setPageClient,
  signalStream,
  type SignalStatus,
} from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { happen } from '../support/page-events.js'
import { useClients } from './use-clients.js'

const { closeAfterTest, connect, online, relay } = useClients()

describe('the client', () => {
  it('gives a new status object at every change, and tells it', async () => {
    const client = connect({ connect: 'manual' })
    const told: SignalStatus[] = []
    client.onStatus((status) => told.push(status))
    client.connect()
    await pass()
    relay().close(1006)
    await pass()
    expect(told.map(({ state }) => state)).toEqual(['connecting', 'online', 'waiting'])
    expect(new Set(told).size).toBe(3)
    expect(client.status).toBe(told[2])
    expect(told[2]).toMatchObject({ attempt: 1, reason: '1006', retryAt: expect.any(Number) as number })
    await pass(2000)
    expect(client.status).toMatchObject({ state: 'online', resumed: true })
  })

  it('does not tell a drop that is shorter than the grace, and tells a longer one', async () => {
    const client = await online()
    const told: string[] = []
    const stop = client.onStatus(({ state }) => told.push(state), { grace: 1500 })
    relay().close(1006)
    await pass(1000)
    expect([told, client.status.state]).toEqual([[], 'online'])
    relay().stop()
    relay().close(1006)
    await pass(1400)
    expect(told).toEqual([])
    await pass(200)
    expect(told).toHaveLength(1)
    stop()
  })

  it('tells every listener the changes in one order, also those that a listener causes', async () => {
    const client = await online()
    const told: string[] = []
    client.onStatus(({ state }) => {
      if (state === 'waiting') client.close()
    })
    client.onStatus(({ state }) => told.push(state))
    relay().close(1006)
    await pass()
    expect(told).toEqual(['waiting', 'closed'])
  })

  it('sends what waited before what a status listener sends', async () => {
    const client = connect()
    void client.sendSignal('Old')
    client.onStatus(({ state }) => {
      if (state === 'online') void client.sendSignal('New')
    })
    await pass()
    expect(
      relay()
        .sent('signal')
        .map(({ signal }) => signal),
    ).toEqual(['Old', 'New'])
  })

  it('connects lazily at the first send or receive', async () => {
    const lazy = connect({ connect: 'lazy' })
    await pass()
    expect(lazy.status.state).toBe('idle')
    lazy.receiveSignal('A', () => 1)
    await pass()
    expect(lazy.status.state).toBe('online')
  })

  it('tells a gap to every gap listener until it stops', async () => {
    const client = await online()
    client.receiveSignal('A', () => 1)
    await pass()
    const told = vi.fn()
    const stop = client.onGap(told)
    const gap = { type: 'gap', room: 'main', reason: 'epoch', from: 0, epoch: 'e2', offset: 0 } as const
    relay().send(gap)
    stop()
    relay().send(gap)
    expect(told.mock.calls).toEqual([[{ room: 'main', reason: 'epoch' }]])
  })

  it('G11 leaves nothing behind after close: no timer, no listener, no socket', async () => {
    const client = await online()
    const handler = vi.fn()
    client.receiveSignal('A', handler)
    client.onStatus(handler, { grace: 5000 })
    await pass()
    client.close()
    client.close()
    await pass()
    const calls = handler.mock.calls.length
    relay().deliver('A')
    client.connect()
    client.receiveSignal('A', handler)
    await pass(60_000)
    expect(handler).toHaveBeenCalledTimes(calls)
    expect(client.status).toMatchObject({ state: 'closed', reason: 'closed-by-page' })
    expect(relay().sent('hello')).toHaveLength(1)
    expect(relay().sockets[0]?.readyState).not.toBe(1)
  })

  it.each(['the relay replays', 'the page kept for it'])(
    'G11 hears no more and leaves nothing behind when a handler closes it in the middle of what %s',
    async (what) => {
      const client = await online()
      const heard: unknown[] = []
      const receive = (): void => {
        client.receiveSignal('A', (data) => {
          heard.push(data)
          client.close()
        })
      }
      if (what === 'the relay replays') receive()
      else client.receiveSignal('Other', () => 1)
      await pass()
      relay().send(relay().signal('A', { data: 1 }), relay().signal('A', { data: 2 }))
      if (what !== 'the relay replays') receive()
      await pass()
      happen('pagehide')
      happen('online')
      await pass(60_000)
      expect([heard, vi.getTimerCount(), sessionStorage.length, relay().sent('hello').length]).toEqual([[1], 0, 0, 1])
    },
  )

  it('takes null for no options, and for no client', async () => {
    vi.stubGlobal('location', new URL('http://relay.test/'))
    const client = createSignalClient(null as never)
    closeAfterTest(client)
    const heard = vi.fn()
    client.onStatus(heard, null as never)
    client.receiveSignal('A', heard, null as never)
    const next = nextSignal(client, 'A', null as never)
    const stream = signalStream(client, 'A', null as never)
    await pass()
    relay().deliver('A')
    expect([heard.mock.calls.length, (await next).name, (await stream.next()).value?.name]).toEqual([2, 'A', 'A'])
    setPageClient(null as never)
    expect(getPageClient()).toBeUndefined()
  })

  it('throws what onError throws as an uncaught error, and nothing else breaks', async () => {
    const uncaught: unknown[] = []
    const listener = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', listener)
    const client = await online({
      onError: () => {
        throw new Error('from onError')
      },
    })
    relay().send('not json')
    await pass()
    process.off('uncaughtException', listener)
    expect(uncaught.map(String)).toEqual(['Error: from onError'])
    expect(client.status.state).toBe('online')
  })
})
