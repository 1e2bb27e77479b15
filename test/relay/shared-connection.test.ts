import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { Heartbeat, TICKS_PER_BEAT } from '../../examples/relay/connection/heartbeat.js'
import { type TabCarrier, TabSocket } from '../../examples/relay/http/tab-socket.js'
import type { Writer } from '../../examples/relay/output/writer.js'
import type { NewEntry } from '../../examples/relay/signal-log/log.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createLatch } from './latch.js'
import { connect, join, startRelay } from './protocol-client.js'
import { connectShared } from './shared-client.js'

const PATIENCE = { timeout: 10_000 }

async function health(page: string): Promise<{ connections: number; rooms: number }> {
  const response = await fetch(new URL('health', page))
  return (await response.json()) as { connections: number; rooms: number }
}

describe('a connection that tabs share', () => {
  it('P15.1 carries a whole connection for each tab', async () => {
    const { url } = await startRelay()
    const browser = await connectShared(url)
    const [first, second] = [browser.openTab(), browser.openTab({ rooms: ['main', 'side'] })]
    const names = [await first.next('welcome'), await second.next('welcome')].map(({ tab }) => tab)
    expect(new Set(names).size).toBe(2)
    await second.next('joined')
    await second.next('joined')
    const id = first.signal('Saved', { by: 1 })
    expect(await first.next('accepted')).toEqual({ type: 'accepted', ids: [id] })
    const [[heard], [echo]] = [await second.heard(1), await first.heard(1)]
    expect([heard, echo]).toMatchObject([
      { id, signal: 'Saved', sender: { tab: names[0] } },
      { id, sender: { tab: names[0] } },
    ])
    second.signal('Side', null, 'side')
    await second.heard(2)
    await first.level()
    expect(first.signals()).toHaveLength(1)
  })

  it('P15.2 brings a signal once for all its tabs', async () => {
    const { url } = await startRelay()
    const browser = await connectShared(url)
    const tabs = [1, 2, 3].map(() => browser.openTab())
    for (const tab of tabs) await tab.next('joined')
    const other = await join(url)
    other.signal('Saved')
    for (const tab of tabs) await tab.next('signal')
    const signals = browser.messages.filter((message) => message.includes('"signal":"Saved"'))
    expect(signals).toEqual([expect.stringMatching(/^1,2,3 \{/)])
  })

  it('P15.3 ends the connection of one tab, and no other', async () => {
    const { url, page } = await startRelay()
    const browser = await connectShared(url)
    const [first, second, third] = [browser.openTab(), browser.openTab(), browser.openTab()]
    for (const tab of [first, second, third]) await tab.next('joined')
    first.write('not a frame')
    expect(await first.closed).toEqual({ code: 4400, reason: 'not a frame of the protocol' })
    // A frame that was on its way opens nothing.
    first.write('{"type":"ping"}')
    await third.level()
    expect(browser.messages.filter((message) => message.startsWith('1 {"type":"close"'))).toHaveLength(1)
    second.cut()
    await vi.waitUntil(async () => (await health(page)).connections === 1, PATIENCE)
    third.signal('Saved')
    await third.next('signal')
  })

  it('P15.4 tells one tab that its frame is too large', async () => {
    const { url } = await startRelay({ maxBytes: 1024 })
    const browser = await connectShared(url)
    const [first, second] = [browser.openTab(), browser.openTab()]
    for (const tab of [first, second]) await tab.next('joined')
    first.signal('Saved', 'x'.repeat(2000))
    expect(await first.closed).toEqual({ code: 1009, reason: 'frames may have 1024 bytes' })
    await second.level()
  })

  it('P15.5 ends a message that names no tab, and a connection without tabs', async () => {
    const { url } = await startRelay({ helloTimeout: 200 })
    const confused = await connectShared(url)
    confused.socket.send('{"type":"hello"}')
    expect(await once(confused.socket, 'close')).toEqual([4400, Buffer.from('not a message of a shared connection')])
    const idle = await connectShared(url)
    expect(await once(idle.socket, 'close')).toEqual([4509, Buffer.from('no tab in time')])
    const left = await connectShared(url)
    const tab = left.openTab()
    await tab.next('joined')
    tab.cut()
    expect(await once(left.socket, 'close')).toEqual([4509, Buffer.from('no tab in time')])
  })

  it('P15.6 counts each tab towards the limit of connections', async () => {
    const { url } = await startRelay({ maxConnections: 2 })
    const browser = await connectShared(url)
    const tabs = [1, 2, 3].map(() => browser.openTab())
    expect(await tabs[2]?.closed).toEqual({ code: 4529, reason: 'too many connections' })
    await tabs[1]?.level()
  })

  it('P15.6 counts each tab towards the rate of new connections of its address', async () => {
    const { url } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 4, connectionRate: 1 })
    const browser = await connectShared(url, { 'X-Forwarded-For': '203.0.113.7' })
    for (let count = 0; count < 20; count += 1) {
      const tab = browser.openTab()
      tab.signal('Saved', count)
      tab.cut()
    }
    const last = browser.openTab()
    expect(await last.closed).toEqual({ code: 4529, reason: 'too many new connections from this network' })
    expect(last.frames).toEqual([{ type: 'goodbye', retryAfter: 1000, reason: 'too-many' }])
  })

  it('P15.6 takes nothing from that rate for a tab beyond the limit of its address', async () => {
    const { url } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 2, connectionRate: 1 })
    const browser = await connectShared(url, { 'X-Forwarded-For': '203.0.113.7' })
    const [, second] = [browser.openTab(), browser.openTab()]
    expect(await second.closed).toEqual({ code: 4529, reason: 'too many connections from this network' })
    expect(second.frames).toEqual([{ type: 'goodbye', retryAfter: 10_000, reason: 'too-many' }])
  })

  it('P8.3 tells a tab that opens while the relay shuts down when to come back', async () => {
    const [memory, held] = [createMemoryLog(), createLatch()]
    const append = vi.fn((entries: readonly NewEntry[]) => held.opened.then(() => memory.append(entries)))
    const { url, relay } = await startRelay({ log: { ...memory, append } })
    const browser = await connectShared(url)
    const first = browser.openTab()
    await first.next('joined')
    first.signal('Saved')
    await vi.waitFor(() => expect(append).toHaveBeenCalled(), PATIENCE)
    const closed = relay.close()
    await first.next('goodbye')
    const late = browser.openTab()
    expect(await late.closed).toEqual({ code: 4503, reason: 'restart' })
    expect(late.frames).toEqual([{ type: 'goodbye', retryAfter: expect.any(Number), reason: 'restart' }])
    held.open()
    await closed
    expect(first.frames).toContainEqual(expect.objectContaining({ type: 'accepted' }))
  })

  it('P15.7 answers the other tabs while one is slowed down', async () => {
    const { url } = await startRelay({ rate: 5 })
    const browser = await connectShared(url)
    const [busy, calm] = [browser.openTab(), browser.openTab()]
    for (const tab of [busy, calm]) await tab.next('joined')
    for (let count = 0; count < 60; count += 1) busy.say({ type: 'ping' })
    calm.say({ type: 'ping' })
    await calm.next('pong')
    expect(busy.frames.filter(({ type }) => type === 'pong').length).toBeLessThan(60)
  })

  it.each([
    { isPaused: true, ends: 'does not end' },
    { isPaused: false, ends: 'ends' },
  ])('P15.7 $ends tabs whose pong is missing while reading is paused: $isPaused', ({ isPaused, ends }) => {
    const terminate = vi.fn()
    const tab = new TabSocket({ isPaused, ping: vi.fn(), terminate } as unknown as TabCarrier, 1)
    const heartbeat = new Heartbeat(tab, { isEnded: false, hasSentSinceLastCall: () => true } as unknown as Writer)
    for (let tick = 0; tick < 2 * TICKS_PER_BEAT; tick += 1) heartbeat.tick()
    expect(terminate).toHaveBeenCalledTimes(ends === 'ends' ? 1 : 0)
  })

  it('P15.8 keeps tabs of different users apart', async () => {
    const { url } = await startRelay({
      authorize: async (token = '') => ({ user: token, join: (room) => room === token, send: () => true }),
    })
    const browser = await connectShared(url)
    const anna = browser.openTab({ rooms: ['anna'], token: 'anna' })
    const bob = browser.openTab({ rooms: ['anna', 'bob'], token: 'bob' })
    await anna.next('joined')
    expect(await bob.next('refused')).toMatchObject({ room: 'anna' })
    await bob.next('joined')
    anna.signal('Saved', null, 'anna')
    await anna.next('signal')
    await bob.level()
    expect(bob.signals()).toEqual([])
  })

  it('is over for all tabs when it breaks', async () => {
    const { url, page } = await startRelay()
    const browser = await connectShared(url)
    const tabs = [browser.openTab(), browser.openTab()]
    for (const tab of tabs) await tab.next('joined')
    browser.socket.terminate()
    await vi.waitUntil(async () => (await health(page)).connections === 0, PATIENCE)
    expect(await Promise.all(tabs.map(({ closed }) => closed))).toHaveLength(2)
    await connect(url)
  })

  it('says goodbye to each tab when the relay ends', async () => {
    const { url, relay } = await startRelay()
    const browser = await connectShared(url)
    const tabs = [browser.openTab(), browser.openTab()]
    for (const tab of tabs) await tab.next('joined')
    const closing = relay.close()
    for (const tab of tabs) {
      await tab.next('goodbye')
      expect(await tab.closed).toMatchObject({ code: 4503 })
    }
    await closing
  })
})
