import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSignalClient, type ClientOptions, type SignalClient, type SignalStatus } from '../../src/index.js'
import { createTestRelay, type TestRelay } from '../../src/testing/index.js'
import { type Conversation, sayHello } from '../relay/protocol-client.js'
import { openPage } from './page.js'

/** What a page's test sees of the test relay; the same in every environment. */
export function checkBehaviour(): void {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  describe('a page', () => {
    it('connects with no more than the default address, and its signals are listed', async () => {
      const { relay, client } = await setup()
      const result = client.sendSignal('ReportIncome', { userId: 123 }, { room: 'team:7' })
      await pass()
      expect(client.status.state).toBe('online')
      expect(await result).toMatchObject({ outcome: 'accepted' })
      expect(relay.sent).toEqual([
        { name: 'ReportIncome', data: { userId: 123 }, room: 'team:7', id: (await result).id },
      ])
    })

    it('hears another page at once, and itself as itself', async () => {
      const { relay, client } = await setup()
      const heard: unknown[] = []
      client.receiveSignal('ReportIncome', (data, { self, replayed }) => heard.push([data, self, replayed]))
      await pass()
      relay.send('ReportIncome', 'theirs')
      const atOnce = [...heard]
      void client.sendSignal('ReportIncome', 'mine')
      await pass()
      expect(atOnce).toEqual([['theirs', false, false]])
      expect(heard[1]).toEqual(['mine', true, false])
    })

    it('hears only its rooms, and data as it was when it was sent', async () => {
      const { relay, client } = await setup()
      const heard: unknown[] = []
      client.receiveSignal('ReportIncome', (data) => heard.push(data), { room: 'team:7' })
      await pass()
      const data = { userId: 1 }
      relay.drop()
      relay.send('ReportIncome', 'elsewhere')
      relay.send('ReportIncome', data, { room: 'team:7' })
      data.userId = 2
      await pass(3000)
      expect(heard).toEqual([{ userId: 1 }])
    })

    it('P5.4 ignores a signal that excludes it, and others do not', async () => {
      const { relay, client } = await setup()
      const heard: unknown[] = []
      client.receiveSignal('ReportIncome', (data) => heard.push(data))
      await pass()
      relay.send('ReportIncome', 'mine', { exclude: client.tab })
      relay.send('ReportIncome', 'theirs', { exclude: 'another-page' })
      await pass()
      expect(heard).toEqual(['theirs'])
    })

    it('is told on arrival what was sent while it loaded', async () => {
      const { relay, client } = await setup()
      relay.send('ReportIncome', 'early')
      const heard: unknown[] = []
      client.receiveSignal('ReportIncome', (data) => heard.push(data))
      await pass()
      expect(heard).toEqual(['early'])
    })

    it('comes back after a drop, gets what it missed, and sends what it could not, once', async () => {
      const { relay, client } = await setup()
      const heard: unknown[] = []
      client.receiveSignal('ReportIncome', (data, { self }) => heard.push([data, self]))
      await pass()
      // It arrives, but the answer and the signal itself are lost on their way back.
      relay.delay(10)
      const result = client.sendSignal('ReportIncome', 'twice')
      await pass(4)
      relay.drop()
      relay.delay(0)
      relay.send('ReportIncome', 'missed')
      await pass(3000)
      expect(client.status).toMatchObject({ state: 'online', resumed: true })
      expect(heard).toEqual([
        ['twice', true],
        ['missed', false],
      ])
      expect(relay.sent.map(({ data }) => data)).toEqual(['twice'])
      expect((await result).outcome).toBe('accepted')
    })

    it('loses what was on its way when the connection is cut, and sends it again', async () => {
      const { relay, client } = await setup()
      await pass()
      const result = client.sendSignal('ReportIncome', 1)
      relay.drop()
      await pass(4)
      const before = relay.sent.length
      await pass(3000)
      expect([before, relay.sent.length, (await result).outcome]).toEqual([0, 1, 'accepted'])
    })

    it('that is refused stops where the code says so, and comes back when it is let in', async () => {
      const { relay, client } = await setup({ token: 'old', onError: () => undefined })
      await pass()
      const admit = relay.refuse(4401, 'expired')
      relay.drop()
      await pass(3000)
      const refused = client.status
      admit()
      client.setToken('new')
      await pass()
      expect(refused).toMatchObject({ state: 'closed', reason: 'unauthorized' })
      expect(client.status.state).toBe('online')
    })

    it('that cannot reach the relay dials until it can', async () => {
      vi.stubGlobal('fetch', () => Promise.reject(new TypeError('There is no network')))
      const errors: string[] = []
      const { relay, client } = await setup({ onError: ({ code }) => errors.push(code) })
      const admit = relay.refuse(1006)
      const reasons = new Set<string>()
      client.onStatus((status: SignalStatus) => status.state === 'waiting' && reasons.add(status.reason))
      await pass(10_000)
      const before = client.status.state
      admit()
      await pass(30_000)
      expect(before).not.toBe('online')
      expect(client.status.state).toBe('online')
      expect([...reasons]).toEqual(['1006'])
      expect(errors).toEqual(['unreachable'])
    })

    it('hears late answers in order, however the delay changes', async () => {
      const { relay, client } = await setup()
      const heard: unknown[] = []
      client.receiveSignal('ReportIncome', (data) => heard.push(data))
      await pass()
      relay.delay(1000)
      relay.send('ReportIncome', 1)
      relay.delay(0)
      relay.send('ReportIncome', 2)
      await pass(999)
      const before = [...heard]
      await pass(1)
      relay.send('ReportIncome', 3)
      expect([before, heard]).toEqual([[], [1, 2, 3]])
    })

    it('finds a relay that answers too late dead, and dials again', async () => {
      const { relay, client } = await setup({ onError: () => undefined })
      await pass()
      relay.delay(4600)
      void client.sendSignal('ReportIncome')
      await pass(5000)
      const before = client.status.state
      relay.delay(0)
      await pass(10_000)
      expect(before).not.toBe('online')
      expect(client.status.state).toBe('online')
    })

    it('leaves no timer when it and the relay are closed', async () => {
      const { relay, client } = await setup()
      const idle = vi.getTimerCount()
      await pass()
      client.close()
      relay.close()
      await pass()
      expect(idle).toBeGreaterThan(0)
      expect(vi.getTimerCount()).toBe(0)
    })
  })

  describe('a gap', () => {
    it('P4.11 is told at once to a page that is connected', async () => {
      const { relay, client } = await setup()
      const told: unknown[] = []
      client.onGap((gap) => told.push(gap))
      client.receiveSignal('ReportIncome', (data) => told.push(data))
      await pass()
      relay.send('ReportIncome', 1)
      relay.gap()
      relay.send('ReportIncome', 2)
      expect(told).toEqual([1, { room: 'main', reason: 'epoch' }, 2])
    })

    it('P4.10 is told in another epoch to a page that comes back', async () => {
      const { relay, client } = await setup()
      const told: unknown[] = []
      client.onGap((gap) => told.push(gap))
      client.receiveSignal('ReportIncome', (data) => told.push(data))
      await pass()
      relay.drop()
      relay.send('ReportIncome', 'lost')
      relay.gap()
      relay.send('ReportIncome', 'kept')
      await pass(3000)
      expect(told).toEqual([{ room: 'main', reason: 'epoch' }, 'kept'])
    })

    it('P4.7 is told to a page that asks for more time than the memory has', async () => {
      const { relay } = await setup()
      relay.send('ReportIncome', 'lost')
      await pass(100)
      relay.gap()
      const { frames } = await connect(relay, { rooms: [{ room: 'main', since: { age: 1000 } }] })
      await pass()
      expect(frames).toMatchObject([
        { type: 'welcome' },
        { type: 'joined', offset: 0, recovered: false },
        { type: 'gap', reason: 'epoch', from: 0 },
      ])
    })
  })

  describe('the connection', () => {
    it('P7.2 carries a beat when nothing else was said', async () => {
      const { relay } = await setup()
      const page = await connect(relay, { rooms: [] })
      await pass(24_000)
      page.say({ type: 'ping' })
      await pass(24_990)
      const before = page.frames.map(({ type }) => type)
      await pass(20)
      expect(before).toEqual(['welcome', 'pong'])
      expect(page.frames.at(-1)).toEqual({ type: 'beat' })
    })

    it('P8.3 ends with a goodbye, of a time of its own for each, when the relay is closed', async () => {
      const { relay } = await setup()
      const pages = [await connect(relay, {}), await connect(relay, {})]
      await pass()
      relay.close()
      await pass()
      const goodbyes = pages.map(({ frames }) => frames.at(-1))
      expect(goodbyes).toMatchObject([{ type: 'goodbye' }, { type: 'goodbye' }])
      expect(goodbyes[0]).not.toEqual(goodbyes[1])
      expect((await pages[0]?.closed)?.code).toBe(4503)
    })

    it('hears nothing of a socket that is closed', async () => {
      const { relay } = await setup()
      const page = await connect(relay, {})
      await pass()
      page.cut()
      await pass()
      page.signal('ReportIncome', 'from the dead')
      await pass()
      expect(relay.sent).toEqual([])
    })
  })

  describe('the WebSocket of the page', () => {
    it('comes back when the last relay is closed, in whatever order', () => {
      const own = globalThis.WebSocket
      const first = createTestRelay()
      const second = createTestRelay({ url: 'wss://elsewhere.test/signals' })
      const during = globalThis.WebSocket
      first.close()
      const between = globalThis.WebSocket
      second.close()
      second.close()
      expect(during).not.toBe(own)
      expect(between).toBe(during)
      expect(globalThis.WebSocket).toBe(own)
    })

    it('finds a new relay at the address of one that was closed, which hears nothing old', async () => {
      const { relay } = await setup()
      const old = await connect(relay, {})
      relay.close()
      const next = createTestRelay()
      onTestFinished(next.close)
      old.signal('ReportIncome')
      const page = await connect(next, {})
      page.signal('ReportIncome', 'new')
      await pass()
      expect(next.sent.map(({ data }) => data)).toEqual(['new'])
      expect(relay.sent).toEqual([])
    })
  })

  describe('wrong use', () => {
    it('throws at the call and says what to do', async () => {
      const { relay } = await setup()
      expect(() => createTestRelay()).toThrow(expect.objectContaining({ code: 'bad-url', name: 'SignalError' }))
      expect(() => createTestRelay()).toThrow(/close\(\) it/)
      expect(() => createTestRelay({ url: 'ws://:0:/' })).toThrow(expect.objectContaining({ code: 'bad-url' }))
      expect(() => relay.send('9 lives')).toThrow(expect.objectContaining({ code: 'bad-name' }))
      expect(() => relay.send('Saved', undefined, { room: '*' })).toThrow(expect.objectContaining({ code: 'bad-name' }))
    })
  })
}

async function setup(options: ClientOptions = {}): Promise<{ relay: TestRelay; client: SignalClient }> {
  const relay = createTestRelay()
  const client = createSignalClient(options)
  onTestFinished(() => {
    client.close()
    relay.close()
  })
  return { relay, client }
}

/** Lets everything happen that is due within some milliseconds. */
async function pass(milliseconds = 50): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds)
}

/** Connects without the SDK. */
async function connect({ url }: TestRelay, options: Parameters<typeof sayHello>[1]): Promise<Conversation> {
  const { page } = openPage(url)
  await pass(4)
  sayHello(page, options)
  return page
}
