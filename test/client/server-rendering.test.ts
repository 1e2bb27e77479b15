// @vitest-environment node
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer, WebSocket } from 'ws'
import type { AddressInfo } from 'node:net'
import { createCountingTarget } from '../support/counting-target.js'
import { createSignalClient, getPageClient, receiveSignal, sendSignal, setPageClient } from '../../src/index.js'

afterEach(() => {
  getPageClient()?.close()
  setPageClient(undefined)
})

describe('G12 on a server that renders pages', () => {
  it.each([
    ['without a WebSocket', undefined],
    ['with a WebSocket of its own', WebSocket],
  ])('creating a client %s does nothing and throws nothing', async (_what, Socket) => {
    vi.stubGlobal('WebSocket', Socket)
    vi.useFakeTimers()
    const onError = vi.fn()
    const client = createSignalClient({ onError })
    receiveSignal('A', () => undefined)
    expect(client.status.state).toBe('idle')
    expect(await sendSignal('A')).toMatchObject({ outcome: 'dropped', error: { code: 'no-websocket' } })
    expect([vi.getTimerCount(), onError.mock.calls]).toEqual([0, []])
    vi.useRealTimers()
  })

  it('prints no warning where a program imitates a page', async () => {
    const page = createCountingTarget({ visibilityState: 'visible', querySelector: () => null })
    vi.stubGlobal('document', page)
    vi.stubGlobal('navigator', {})
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
    vi.stubGlobal(
      'MutationObserver',
      class {
        observe(): void {}
        disconnect(): void {}
      },
    )
    const warnings: string[] = []
    const onWarning = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const client = createSignalClient({ url: 'ws://127.0.0.1:9/', connect: 'manual' })
    await new Promise((resolve) => setImmediate(resolve))
    expect([warnings, page.listeners > 5]).toEqual([[], true])
    client.close()
    expect(page.listeners).toBe(0)
  })

  it('connects when a program asks it to, and then sends like a page', async () => {
    vi.stubGlobal('WebSocket', WebSocket)
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    const received: string[] = []
    server.on('connection', (socket) => socket.on('message', (data) => received.push(String(data))))
    const { port } = server.address() as AddressInfo
    const client = createSignalClient({ url: `ws://127.0.0.1:${port}/`, protocol: 'plain', connect: 'manual' })
    client.connect()
    expect(await client.sendSignal('A', 1)).toMatchObject({ outcome: 'sent' })
    await vi.waitUntil(() => received.length === 1)
    client.close()
    for (const socket of server.clients) socket.terminate()
    await new Promise((resolve) => server.close(resolve))
  })

  it('tells, through onError, a program that asks to connect where there is no WebSocket', async () => {
    vi.stubGlobal('WebSocket', undefined)
    const onError = vi.fn()
    createSignalClient({ url: 'wss://relay.test/', onError }).connect()
    await Promise.resolve()
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'no-websocket' }))
  })
})
