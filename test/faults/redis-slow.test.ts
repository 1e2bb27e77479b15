import { once } from 'node:events'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { connect, pageId } from '../relay/protocol-client.js'
import { describeRedis, startRedis } from '../relay/redis-server.js'
import { createRelayProcess, removeBundle } from './relay-under-test.js'
import { residentBytes } from './resident-bytes.js'
import { record } from './results.js'
import { byLength } from './run-length.js'
import { pause, until } from './waiting.js'

afterAll(removeBundle)

const RECEIVERS = byLength(10, 50)
const SIZE = 16_384
/** Signals per second: 5 MB to each receiver. */
const RATE = 320
/** Signals that may be on their way to a receiver. */
const MOST_UNREAD = 48
const SECONDS = byLength(4, 30)

const MEBIBYTE = 1024 * 1024
/** What may be unsent, by default. */
const MOST_UNSENT = MEBIBYTE
const KEY = 'the-key-of-the-dashboard'
const ARGS = ['--history', '100000', '--history-bytes', '0', '--rate', '0', '--dashboard-key', KEY]

/** How many connections a relay has closed as too slow. */
async function closedAsSlow(port: number | undefined): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })
  return Number(/^signalpost_closes_total\{code="4508"\} (\d+)/m.exec(await answer.text())?.[1] ?? 0)
}

async function connections(port: number | undefined): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`)
  // What /health says.
  return ((await answer.json()) as { connections: number }).connections
}

/** A receiver that keeps nothing but where it is and how long each signal took, in milliseconds. */
async function openReader(url: string) {
  const socket = new WebSocket(url, { origin: 'http://localhost' })
  onTestFinished(() => socket.terminate())
  const reader = { isIn: false, offsets: [] as number[], delays: [] as number[] }
  socket.on('error', () => {})
  socket.on('message', (bytes: Buffer) => {
    if (bytes.toString('latin1', 0, 16).startsWith('{"type":"joined"')) reader.isIn = true
    const sentAt = /"data":\{"at":(\d+)/.exec(bytes.toString('latin1', 0, 200))?.[1]
    const offset = /"offset":(\d+),"at":\d+\}$/.exec(bytes.toString('latin1', bytes.length - 60))?.[1]
    if (sentAt === undefined || offset === undefined) return
    reader.offsets.push(Number(offset))
    reader.delays.push(Date.now() - Number(sentAt))
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'hello', v: 1, tab: pageId(), rooms: [{ room: 'main' }] }))
  return reader
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * share)] ?? 0
}

describeRedis('a receiver that stops reading', () => {
  // In bytes, because how long those take says more about the machine than about the relay.
  it('F18 is let go with 4508 as soon as more than 1 MiB is unsent, and not before', async () => {
    const redis = await startRedis()
    const relay = createRelayProcess(['--redis', redis.url, ...ARGS])
    onTestFinished(() => relay.kill())
    await relay.start()
    const url = `ws://127.0.0.1:${relay.port}/signals`
    const other = await openReader(url)
    const slow = await connect(url)
    await slow.next('joined')
    await until(() => other.isIn, 10_000)
    const sender = await connect(url, { rooms: [] })
    slow.socket.pause()
    let sent = 0
    // What the kernel takes is not unsent: it may be some MiB.
    while ((await closedAsSlow(relay.port)) === 0) {
      expect(sent).toBeLessThan((64 * MEBIBYTE) / SIZE)
      sender.signal('Saved', { at: Date.now(), filler: 'x'.repeat(SIZE) })
      sent += 1
      expect(await until(() => other.offsets.length === sent, 30_000)).toBe(true)
    }
    while ((await connections(relay.port)) > 2) await pause(20)
    slow.socket.resume()
    await slow.closed
    const unsent = (sent - slow.signals().length) * SIZE
    expect(unsent).toBeGreaterThan(MOST_UNSENT - 2 * SIZE)
    expect(unsent).toBeLessThan(MOST_UNSENT + 4 * SIZE)
  })

  it('F18 is let go, harms nobody, and finds everything when it comes back', async () => {
    const redis = await startRedis()
    const relay = createRelayProcess(['--redis', redis.url, ...ARGS])
    onTestFinished(() => relay.kill())
    await relay.start()
    const url = `ws://127.0.0.1:${relay.port}/signals`
    const receivers = await Promise.all(Array.from({ length: RECEIVERS }, () => openReader(url)))
    const slow = await connect(url)
    const { epoch } = await slow.next('joined')
    await until(() => receivers.every(({ isIn }) => isIn), 10_000)
    const sender = await connect(url, { rooms: [] })
    const filler = 'x'.repeat(SIZE)
    let sent = 0
    const publishFor = async (seconds: number): Promise<void> => {
      const startedAt = performance.now()
      const before = sent
      while (performance.now() < startedAt + seconds * 1000) {
        const due = ((performance.now() - startedAt) / 1000) * RATE
        // Where this process cannot read so much, less is sent: the others are no slow receivers.
        const readable = Math.min(...receivers.map(({ offsets }) => offsets.length)) + MOST_UNREAD
        for (; sent - before < due && sent < readable; sent += 1) sender.signal('Saved', { at: Date.now(), filler })
        await pause(10)
      }
    }

    const allDelays = (): number[] => receivers.flatMap(({ delays }) => delays)
    await publishFor(SECONDS / 4)
    const baseline = percentile(allDelays(), 0.99)
    for (const { delays } of receivers) delays.length = 0
    const rssBefore = residentBytes(relay.pid)
    let rssMost = 0
    const watch = setInterval(() => (rssMost = Math.max(rssMost, residentBytes(relay.pid))), 100)
    slow.socket.pause()
    const stoppedAt = performance.now()
    let goneAfter = Infinity
    const gone = (async () => {
      for (;;) {
        if ((await closedAsSlow(relay.port)) > 0) break
        await pause(50)
      }
      goneAfter = performance.now() - stoppedAt
    })()
    const sentBefore = sent
    await publishFor(SECONDS)
    const rate = ((sent - sentBefore) * SIZE) / SECONDS / 1e6
    await gone
    clearInterval(watch)
    await Promise.all(receivers.map(({ offsets }) => until(() => offsets.length === sent, 30_000)))
    const disturbed = percentile(allDelays(), 0.99)

    slow.socket.resume()
    await slow.closed
    const before = slow.signals().length
    const back = await connect(url, {
      rooms: [{ room: 'main', since: { epoch, offset: before, id: slow.signals().at(-1)?.id ?? '' } }],
    })
    expect(await back.next('joined')).toMatchObject({ recovered: true, offset: before })
    const rest = await back.heard(sent - before)
    const offsets = [...slow.signals(), ...rest].map(({ offset }) => offset)
    const numbers = Array.from({ length: sent }, (_, index) => index + 1)
    for (const receiver of receivers) expect(receiver.offsets).toEqual(numbers)
    expect(offsets).toEqual(numbers)
    expect(before).toBeLessThan(sent)
    expect(await closedAsSlow(relay.port)).toBe(1)
    const grown = (rssMost - rssBefore) / MEBIBYTE
    expect(Number.isNaN(grown) ? 0 : grown).toBeLessThan(64)
    await record({
      id: 'F18',
      title: `Redis; one of ${RECEIVERS + 1} receivers stops reading at ${rate.toFixed(1)} MB/s`,
      seconds: SECONDS,
      faults: '1 receiver stopped',
      published: sent,
      delivered: sent * (RECEIVERS + 1),
      expected: sent * (RECEIVERS + 1),
      LOST: 0,
      DUP: 0,
      ORDER: 0,
      GAPS: 0,
      gapsExpected: 0,
      note: `let go ${(goneAfter / 1000).toFixed(1)} s after it stopped; 99 % of the others’ signals within ${baseline} ms before and ${disturbed} ms meanwhile; memory of the relay grew by ${grown.toFixed(0)} MiB`,
    })
  })
})
