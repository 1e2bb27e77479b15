import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createSignalClient, type SignalClient } from '../../src/index.js'
import { httpFallback } from '../../src/fallback/index.js'
import { type Blocking, startBlockingProxy } from '../support/blocking-proxy.js'
import { startRelay } from './protocol-client.js'

const WAITING = { timeout: 30_000, interval: 20 }

function openPage(port: number, options: { readonly token?: string } = {}): SignalClient {
  const client = createSignalClient({
    url: `ws://127.0.0.1:${port}/signals`,
    connect: 'manual',
    since: 'now',
    transport: httpFallback,
    ...options,
  })
  onTestFinished(() => client.close())
  client.connect()
  return client
}

async function startProxy(target: number, blocking: Blocking, bufferBytes = 0) {
  const proxy = await startBlockingProxy(() => target, blocking, bufferBytes)
  onTestFinished(() => proxy.close())
  return proxy
}

const online = (client: SignalClient) => vi.waitFor(() => expect(client.status.state).toBe('online'), WAITING)

beforeEach(() => void vi.stubGlobal('WebSocket', WebSocket))
afterEach(() => void vi.unstubAllGlobals())

describe('a page behind a proxy that blocks WebSockets', () => {
  it.each<Blocking>(['answers 200', 'answers 403', 'hangs', 'cuts', 'cuts after 101', 'swallows after 101'])(
    'sends and receives through one that %s',
    async (blocking) => {
      const { port } = await startRelay({ open: true })
      const proxy = await startProxy(port, blocking)
      const [sender, receiver] = [openPage(proxy.port), openPage(proxy.port)]
      const received: unknown[] = []
      receiver.receiveSignal('Saved', (data) => void received.push(data))
      await Promise.all([sender, receiver].map(online))
      const results = await Promise.all([1, 2, 3].map((data) => sender.sendSignal('Saved', data)))
      expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted'])
      await vi.waitFor(() => expect(received).toEqual([1, 2, 3]), WAITING)
      expect(proxy.requests.handshakes).toBeGreaterThan(0)
    },
  )

  it('asks again and again where a proxy buffers 64 kB', async () => {
    const { port } = await startRelay({ open: true })
    const proxy = await startProxy(port, 'answers 403', 65_536)
    const [sender, receiver] = [openPage(proxy.port), openPage(proxy.port)]
    const received: unknown[] = []
    receiver.receiveSignal('Saved', (data) => void received.push(data))
    await Promise.all([sender, receiver].map(online))
    for (let number = 0; number < 20; number += 1) {
      expect((await sender.sendSignal('Saved', number)).outcome).toBe('accepted')
    }
    await vi.waitFor(() => expect(received).toEqual(Array.from({ length: 20 }, (_, index) => index)), WAITING)
  })
})
