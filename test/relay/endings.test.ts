import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createSilentLogger } from '../../examples/relay/logger.js'
import type { SignalLog } from '../../examples/relay/signal-log/log.js'
import { createRelay } from '../../examples/relay/relay.js'
import { findFreePort } from '../support/free-port.mjs'
import { createLatch } from './latch.js'
import { openRaw } from '../properties/raw-socket.js'
import { connect, join, pageId, startRelay } from './protocol-client.js'
import { knock } from './security.js'

/** Lets a test say when intervals run; sockets go on by themselves. */
function holdIntervals() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  return (milliseconds: number) => vi.advanceTimersByTime(milliseconds)
}

describe('liveness', () => {
  it('P7.1 answers a ping at once, even while signals wait for the log', async () => {
    const inner = createMemoryLog()
    const latch = createLatch()
    const log: SignalLog = { ...inner, append: (entries) => latch.opened.then(() => inner.append(entries)) }
    const { url } = await startRelay({ log })
    const page = await join(url)
    page.signal('Saved')
    page.say({ type: 'ping' })
    await page.next('pong')
    latch.open()
    await page.heard(1)
    expect(page.frames.slice(0, 4).map(({ type }) => type)).toEqual(['welcome', 'joined', 'pong', 'signal'])
  })

  it('P7.2 says beat when it had nothing else to say', async () => {
    const advance = holdIntervals()
    const { url } = await startRelay()
    const quiet = await join(url, 'quiet')
    for (let tick = 0; tick < 10; tick++) {
      advance(2500)
      await quiet.level()
      if (tick < 9) continue
      expect(quiet.frames.filter(({ type }) => type === 'beat')).toEqual([])
    }
    // From here on nothing is said by either side.
    let beats = 0
    quiet.socket.on('message', (bytes: Buffer) => (beats += bytes.toString() === '{"type":"beat"}' ? 1 : 0))
    for (let tick = 0; tick < 10; tick++) {
      advance(2500)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await quiet.next('beat')
    expect(beats).toBe(1)
  })

  it('P7.3 drops a connection that does not answer a WebSocket ping, and keeps one that does', async () => {
    const advance = holdIntervals()
    const { url } = await startRelay()
    const lively = await join(url)
    const dead = await connect(url, { options: { autoPong: false } })
    await dead.next('joined')
    const pings = new Promise((resolve) => lively.socket.once('ping', resolve))
    const round = async (): Promise<void> => {
      for (let tick = 0; tick < 10; tick++) {
        advance(2500)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await round()
    await pings
    await lively.level()
    const stillOpen = dead.socket.readyState
    await round()
    expect(await dead.closed).toMatchObject({ code: 1006 })
    await lively.level()
    expect(stillOpen).toBe(dead.socket.OPEN)
  })
})

describe('endings', () => {
  it('P8.1 drops a slow connection a second after closing it, and holds up nobody else', async () => {
    const { page, slow, sent, heard } = await overwhelm()
    const connections = async (): Promise<unknown> => (await (await fetch(`${page}health`)).json()).connections
    const before = await connections()
    vi.advanceTimersByTime(999)
    const almost = await connections()
    vi.advanceTimersByTime(1)
    while ((await connections()) !== 2) await new Promise((resolve) => setImmediate(resolve))
    expect([before, almost]).toEqual([3, 3])
    expect(heard.map(({ offset }) => offset)).toEqual(Array.from({ length: sent + 1 }, (_, index) => index + 1))
    slow.socket.resume()
    expect((await slow.closed).code).toBe(1006)
  })

  it('P8.1 says 4508 to a slow connection that reads on in time, after what was sent before', async () => {
    const { slow, sent } = await overwhelm()
    slow.socket.resume()
    const { code } = await slow.closed
    const offsets = slow.signals().map(({ offset }) => offset)
    expect(code).toBe(4508)
    expect(offsets).toEqual(Array.from({ length: offsets.length }, (_, index) => index + 1))
    expect(offsets.length).toBeLessThanOrEqual(sent)
  })

  it('P8.3 says goodbye to each with a time of its own, answers what had come, and closes with 4503', async () => {
    const inner = createMemoryLog()
    const arrival = createLatch()
    const latch = createLatch()
    const log: SignalLog = {
      ...inner,
      async append(entries) {
        arrival.open()
        await latch.opened
        return inner.append(entries)
      },
    }
    const { relay, url } = await startRelay({ log })
    const pages = await Promise.all(Array.from({ length: 20 }, () => join(url)))
    const id = pages[0]?.signal('Saved', 'in flight')
    await arrival.opened
    const closing = relay.close()
    const goodbyes = await Promise.all(pages.map((page) => page.next('goodbye')))
    const late = await connect(url).catch((error: Error) => error.message)
    const health = await fetch(`${url.replace('ws', 'http').replace('/signals', '/health')}`)
    latch.open()
    const endings = await Promise.all(pages.map((page) => page.closed))
    await closing
    const times = goodbyes.map(({ retryAfter }) => retryAfter)
    expect(new Set(times).size).toBe(20)
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(600)
    expect(Math.max(...times)).toBeLessThan(1000)
    expect(endings.map(({ code }) => code)).toEqual(Array(20).fill(4503))
    expect(pages[0]?.frames.at(-1)).toEqual({ type: 'accepted', ids: [id] })
    expect(pages.map((page) => page.signals().length)).toEqual(Array(20).fill(1))
    expect(late).toContain('503')
    expect(health.status).toBe(503)
  })

  it('P8.3 takes nothing that comes after goodbye', async () => {
    const { relay, url } = await startRelay()
    const page = await join(url)
    page.socket.once('message', () => page.signal('Saved', 'too late'))
    await relay.close()
    expect((await page.closed).code).toBe(4503)
    expect(page.frames.some(({ type }) => type === 'accepted')).toBe(false)
  })

  it('closes twice as if once, and leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const { relay, url } = await startRelay()
    await join(url)
    await Promise.all([relay.close(), relay.close()])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves nothing open when it could not listen', async () => {
    const { port } = await startRelay()
    const inner = createMemoryLog()
    const close = vi.fn(inner.close)
    const relay = createRelay({ port, log: { ...inner, close }, dashboardKey: 'the-key-of-the-operator' })
    await expect(relay.listen()).rejects.toThrow('EADDRINUSE')
    expect(close).toHaveBeenCalledOnce()
    await relay.close()
    expect(close).toHaveBeenCalledOnce()
  })

  it.each(['at once', 'while the log opens'])(
    'that closes %s does not listen afterwards, and says why',
    async (moment) => {
      const [memory, latch] = [createMemoryLog(), createLatch()]
      const port = await findFreePort()
      const open = vi.fn(() => latch.opened)
      const relay = createRelay({ port, log: { ...memory, open } })
      const failure = relay.listen().catch((error: Error) => error.message)
      if (moment === 'at once') latch.open()
      await relay.close()
      latch.open()
      expect(await failure).toBe('The relay was closed while it started.')
      await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow('fetch failed')
    },
  )

  it('P8.4 ends only the connection that met an error, with 4500, and logs it', async () => {
    const told: unknown[] = []
    const logger = { ...createSilentLogger(), error: (fields: unknown) => void told.push(fields) }
    const { url } = await startRelay({
      logger,
      authorize: () => ({
        send: () => {
          throw new Error('a defect')
        },
      }),
    })
    const page = await connect(url, { token: 'x' })
    const other = await connect(url, { token: 'x' })
    await other.next('joined')
    page.signal('Saved')
    expect(await page.closed).toMatchObject({ code: 4500 })
    other.say({ type: 'ping' })
    await other.next('pong')
    expect(told).toEqual([{ error: 'Error: a defect' }])
  })

  it('P8.5 closes one connection too many with 4529', async () => {
    const { url } = await startRelay({ maxConnections: 2 })
    const first = await join(url)
    await join(url)
    const third = await connect(url)
    expect(await third.closed).toMatchObject({ code: 4529 })
    first.socket.close()
    await first.closed
    // The relay sees the end a moment later than the client does.
    let again = await connect(url)
    while (!(await again.next('joined').catch(() => undefined))) again = await connect(url)
    again.say({ type: 'signal', id: pageId(), signal: 'Saved' })
    expect(await again.heard(1)).toHaveLength(1)
  })
})

describe('a crowd', () => {
  it('P8.5 of connections too many is told 4529, and the rest of a hundred more gets 503', async () => {
    const { url, port } = await startRelay({ maxConnections: 1 })
    const first = await join(url)
    // They do not answer the close, so that each takes its place for some seconds.
    const crowd = []
    for (let count = 0; count < 100; count += 1) crowd.push(await openRaw(port, true))
    const refused = await knock(port)
    for (const { socket } of crowd) socket.destroy()
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '10'])
    await first.level()
    await vi.waitFor(async () => expect((await (await connect(url)).closed).code).toBe(4529))
  })
})

/** Has a connection that does not read, and sends until the relay has had enough of it. */
async function overwhelm() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { url, page } = await startRelay({ maxBuffered: 300_000, rate: 0 })
  const slow = await join(url)
  const quick = await join(url)
  const sender = await connect(url, { rooms: [] })
  await sender.level()
  slow.socket.pause()
  const calm = vi.getTimerCount()
  let sent = 0
  // The kernel takes some megabytes first; how many depends on the machine. Then the closing is timed.
  while (vi.getTimerCount() === calm) {
    sender.signal('Big', 'x'.repeat(60_000))
    await quick.heard(++sent)
  }
  sender.signal('Big', 'last')
  const heard = await quick.heard(sent + 1)
  return { page, slow, sent, heard }
}
