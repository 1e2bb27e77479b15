import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createSignalClient, type SignalClient } from '../../src/index.js'
import { sharedTransport } from '../../src/tabs/index.js'
import { createFakeLocks } from '../support/fake-locks.js'
import { startRelay } from './protocol-client.js'

const PATIENCE = { timeout: 10_000 }

let handshakes: WebSocket[]

beforeEach(() => {
  handshakes = []
  vi.stubGlobal('navigator', { locks: createFakeLocks() })
  vi.stubGlobal(
    'WebSocket',
    class extends WebSocket {
      constructor(url: string) {
        super(url, { origin: 'http://localhost:8080' })
        handshakes.push(this)
      }
    },
  )
})

interface Tab {
  readonly client: SignalClient
  readonly heard: unknown[]
}

function openTab(url: string): Tab {
  const client = createSignalClient({ url, connect: 'manual', since: 'now', transport: sharedTransport() })
  const heard: unknown[] = []
  client.receiveSignal('*', (data) => void heard.push(data))
  client.connect()
  onTestFinished(() => client.close())
  return { client, heard }
}

async function allOnline(tabs: readonly Tab[]): Promise<void> {
  const isOnline = (): boolean => tabs.every(({ client }) => client.status.state === 'online')
  await vi.waitUntil(isOnline, PATIENCE)
}

describe('tabs of a browser', () => {
  it('share one connection, which each of them uses as its own', async () => {
    const { url } = await startRelay()
    const tabs = [openTab(url), openTab(url), openTab(url)]
    await allOnline(tabs)
    await tabs[1]?.client.sendSignal('Saved', 1)
    await vi.waitFor(() => expect(tabs.map(({ heard }) => heard)).toEqual([[1], [1], [1]]), PATIENCE)
    expect([handshakes.length, new Set(tabs.map(({ client }) => client.tab)).size]).toEqual([1, 3])
  })

  it('go on when the client of the one that has the connection closes, which keeps it for the others', async () => {
    const { url } = await startRelay()
    const tabs = [openTab(url), openTab(url), openTab(url)]
    await allOnline(tabs)
    const [first, second, third] = tabs as [Tab, Tab, Tab]
    first.client.close()
    await second.client.sendSignal('Saved', 1)
    await third.client.sendSignal('Saved', 2)
    await vi.waitFor(
      () =>
        expect([second.heard, third.heard]).toEqual([
          [1, 2],
          [1, 2],
        ]),
      PATIENCE,
    )
    expect(handshakes).toHaveLength(1)
  })

  it('come back when the relay cuts their connection', async () => {
    const { url } = await startRelay()
    const tabs = [openTab(url), openTab(url)]
    await allOnline(tabs)
    const [first, second] = tabs as [Tab, Tab]
    handshakes[0]?.terminate()
    const sent = [first.client.sendSignal('Saved', 1), second.client.sendSignal('Saved', 2)]
    expect((await Promise.all(sent)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted'])
    await vi.waitFor(() => expect([first.heard.length, second.heard.length]).toEqual([2, 2]), PATIENCE)
    expect(handshakes).toHaveLength(2)
  })
})
