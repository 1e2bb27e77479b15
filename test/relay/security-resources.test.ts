import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { maskedFrame, openRaw } from '../properties/raw-socket.js'
import { appendOne } from './append-one.js'
import { connect, join, pageId, startRelay } from './protocol-client.js'
import { createRecorder } from './security.js'

describe('resources', () => {
  it.each([
    ['pings of WebSocket', maskedFrame('x'.repeat(125), 1, 0x89)],
    ['pings of the protocol', maskedFrame('{"type":"ping"}', 1)],
  ])('S40 who floods with %s and does not read is dropped, and little is kept for it', async (_kind, ping) => {
    const { url, port, page } = await startRelay({ helloTimeout: 30_000, rate: 0, maxBuffered: 262_144 })
    const healthy = await join(url)
    const { socket } = await openRaw(port, true)
    const gone = new Promise((resolve) => socket.on('close', resolve))
    socket.write(maskedFrame(JSON.stringify({ type: 'hello', v: 1, tab: pageId(), rooms: [] }), 1))
    socket.pause()
    const before = process.memoryUsage.rss()
    const many = Buffer.concat(Array.from({ length: 512 }, () => ping))
    const flood = (): void => {
      if (!socket.destroyed) socket.write(many, () => setImmediate(flood))
    }
    flood()
    await gone
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024)
    await healthy.level()
    const health = (await (await fetch(`${page}health`)).json()) as { connections: number }
    expect(health.connections).toBe(1)
  })

  it('S41 a message in more pieces than any client makes ends the connection', async () => {
    const { port } = await startRelay()
    const { socket, ended } = await openRaw(port, true)
    const piece = maskedFrame('x', 1, 0x00)
    socket.write(maskedFrame('x', 1, 0x01))
    socket.end(Buffer.concat(Array.from({ length: 16_385 }, () => piece)))
    expect(await ended).toBe(1008)
  })

  it('S42 a slow reader is closed with 4508, and holds nobody up', async () => {
    const dashboardKey = 'the-key-of-the-operator'
    const { url, page } = await startRelay({ maxBuffered: 262_144, rate: 0, dashboardKey })
    // The relay drops the connection a second after its close frame; held, so that a busy machine has the time to read it.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const [slow, quick] = [await join(url), await join(url)]
    const sender = await connect(url, { rooms: [] })
    slow.socket.pause()
    let sent = 0
    const isFull = async (): Promise<boolean> => {
      const answer = await fetch(`${page}metrics`, { headers: { Authorization: `Bearer ${dashboardKey}` } })
      return (await answer.text()).includes('signalpost_closes_total{code="4508"} 1')
    }
    // The kernel takes some megabytes first. One at a time: a relay with several in one turn rests on a held timer.
    while (!(await isFull())) {
      sender.signal('Big', 'x'.repeat(60_000))
      sent += 1
      await quick.heard(sent)
    }
    slow.socket.resume()
    expect((await slow.closed).code).toBe(4508)
    expect(quick.signals()).toHaveLength(sent)
  })

  // This design never closes a sender for its pace: what is read slowly cannot be too much.
  it('S43 who sends faster than the limit waits: nothing is lost, refused or out of order', async () => {
    const { url } = await startRelay({ rate: 50 })
    const page = await join(url)
    const since = performance.now()
    const ids = Array.from({ length: 150 }, (_, count) => page.signal('Saved', count))
    const heard = await page.heard(150)
    expect(heard.map(({ id }) => id)).toEqual(ids)
    expect(page.frames.some(({ type }) => type === 'refused')).toBe(false)
    // 100 at once, 50 in the second after it; a timer may be early by some milliseconds.
    expect(performance.now() - since).toBeGreaterThan(900)
  })

  it('S44 a connection has 128 rooms, and long replays leave time for everybody else', async () => {
    const { url } = await startRelay({ rate: 0 })
    const page = await connect(url, { rooms: [] })
    for (let count = 0; count <= 128; count += 1) page.say({ type: 'join', room: `room:${count}` })
    expect(await page.next('refused')).toMatchObject({ room: 'room:128', code: 'too-many' })

    const sender = await connect(url, { rooms: [] })
    for (let count = 0; count < 1000; count += 1) sender.signal('Saved', count)
    await sender.level()
    const healthy = await join(url, 'side')
    const storm = await Promise.all(
      Array.from({ length: 100 }, () => connect(url, { rooms: [{ room: 'main', since: { age: 60_000 } }] })),
    )
    let answers = 0
    const watch = { isOver: false }
    const watching = (async () => {
      while (!watch.isOver) {
        await healthy.level()
        if (!watch.isOver) answers += 1
      }
    })()
    await Promise.all(storm.map((each) => each.heard(1000)))
    watch.isOver = true
    await watching
    // Everything runs in this one process, the hundred receivers too: what counts is that it was answered meanwhile.
    expect(answers).toBeGreaterThan(0)
  })

  it('S44 each page of a long replay has a turn of the event loop to itself', async () => {
    const inner = createMemoryLog()
    const reads: number[] = []
    let turn = 0
    const log = {
      ...inner,
      read(...asked: Parameters<typeof inner.read>) {
        reads.push(turn)
        return inner.read(...asked)
      },
    }
    const { url } = await startRelay({ log, rate: 0 })
    const sender = await connect(url, { rooms: [] })
    for (let count = 0; count < 1000; count += 1) sender.signal('Saved', count)
    await sender.level()
    reads.length = 0
    const counting = { isOver: false }
    const count = (): void => {
      turn += 1
      if (!counting.isOver) setImmediate(count)
    }
    count()
    onTestFinished(() => {
      counting.isOver = true
    })
    const page = await connect(url, { rooms: [{ room: 'main', since: { age: 600_000 } }] })
    await page.heard(1000)
    // 256 entries each.
    expect(reads).toHaveLength(4)
    expect(new Set(reads).size).toBe(4)
  })

  it('S45 more rooms and ids than may be do not grow the memory; the oldest are forgotten first', async () => {
    const log = createMemoryLog({ maxTotal: 4 * MEGABYTE })
    onTestFinished(() => log.close())
    const rooms = 50_000
    for (let count = 0; count < rooms; count += 1) {
      const room = `room:${count}`
      await appendOne(log, { room, id: `id-${count}`, prefix: `{"type":"signal","data":"${'x'.repeat(400)}"` })
    }
    const [first, last] = [await log.read('room:0', 0, 10), await log.read(`room:${rooms - 1}`, 0, 10)]
    const again = await appendOne(log, { room: 'room:0', id: 'id-0', prefix: '{' })
    const known = await appendOne(log, { room: `room:${rooms - 1}`, id: `id-${rooms - 1}`, prefix: '{' })
    // 50,000 rooms of more than 400 bytes each are many times what fits, and so are the ids beside them.
    expect([first.entries.length, last.entries.length, again, known]).toEqual([0, 1, 'logged', 'known'])
  })

  it('S45 a relay whose rooms are in use stays within its memory too, and no room loses its place for it', async () => {
    const log = createMemoryLog({ maxTotal: 2 * MEGABYTE })
    const publishKey = [{ name: 'shop', secret: 's3cret' }]
    const { url, page } = await startRelay({ log, publishKey, maxBytes: 2 * MEGABYTE })
    const publish = (signals: unknown) =>
      fetch(`${page}publish`, {
        method: 'POST',
        headers: { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json', 'Idempotency-Key': 'last' },
        body: JSON.stringify(signals),
      })
    const victim = await join(url)
    // More rooms than would fit, if rooms that are in use counted.
    for (let count = 0; count < 20; count += 1) {
      await join(url, ...Array.from({ length: 128 }, (_, index) => `used:${count}:${index}`))
    }
    const before = memoryInUse()
    for (let turn = 0; turn < 5; turn += 1) {
      const signals = Array.from({ length: 20_000 }, (_, index) => ({ signal: 'A', room: `r:${turn}:${index}` }))
      const answer = await fetch(`${page}publish`, {
        method: 'POST',
        headers: { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json' },
        body: JSON.stringify(signals),
      })
      await answer.text()
    }
    const statuses = [(await publish({ signal: 'Saved' })).status, (await publish({ signal: 'Saved' })).status]
    await victim.heard(1)
    await victim.level()
    // 100,000 rooms and ids would weigh some 100 MB. What the last request took is let go a moment after its answer.
    await vi.waitFor(() => expect(memoryInUse() - before).toBeLessThan(12 * MEGABYTE), {
      timeout: 10_000,
      interval: 100,
    })
    expect(statuses).toEqual([200, 200])
    expect(victim.signals().map(({ offset }) => offset)).toEqual([1])
    expect(victim.frames.filter(({ type }) => type === 'gap')).toEqual([])
  })

  it('S46 an exception on the way of a message ends that connection only, and the process not at all', async () => {
    const uncaught = vi.fn()
    process.on('uncaughtExceptionMonitor', uncaught)
    onTestFinished(() => void process.off('uncaughtExceptionMonitor', uncaught))
    const inner = createMemoryLog()
    const log = {
      ...inner,
      append(entries: Parameters<typeof inner.append>[0]) {
        if (entries.some(({ prefix }) => prefix.includes('Poison'))) throw new Error('a defect')
        return inner.append(entries)
      },
    }
    const authorize = () => ({
      send: (_room: string, name: string) => {
        if (name === 'Venom') throw new Error('a defect')
        return true
      },
    })
    const { url } = await startRelay({ log, authorize, retryFor: 100 })
    const healthy = await connect(url, { token: 't' })
    await healthy.next('joined')
    const codes = []
    for (const name of ['Venom', 'Poison']) {
      const page = await connect(url, { token: 't' })
      await page.next('joined')
      page.signal(name)
      codes.push((await page.closed).code)
    }
    healthy.signal('Saved')
    await healthy.heard(1)
    await sleep(0)
    // The log's errors count as passing trouble: the relay tries again, and then sends the client away for a while.
    expect(codes).toEqual([4500, 4503])
    expect(uncaught).not.toHaveBeenCalled()
  })
})

describe('logs', () => {
  it('S47 whatever clients say, a log line is one line of printable JSON, and holds no data', async () => {
    let written = ''
    const logger = pino({ level: 'debug' }, { write: (line: string) => void (written += line) })
    const authorize = () => ({ user: 'ann\r\n{"level":"fatal"}\u001b[31m%s' })
    const { url, port } = await startRelay({ logger, authorize })
    const page = await connect(url, { token: 'the-token' })
    await page.next('joined')
    page.signal('Saved', { card: '4111-1111' })
    page.signal('a\r\n\u001b[31m%s', { card: '4111-1111' })
    await page.level()
    page.socket.send('{"type":"nonsense\r\n')
    await page.closed
    const raw = await openRaw(port, false)
    raw.socket.end(
      'GET /signals HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example/%s\u009b31m"\\n\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await raw.ended
    const lines = written.split('\n').filter(Boolean)
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.filter((line) => !isJson(line))).toEqual([])
    // oxlint-disable-next-line no-control-regex -- They are what is looked for.
    expect(written).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|4111|the-token/)
  })

  it('S47 at the level that holds by default, a good connection leaves no line at all', async () => {
    const { lines, logger } = createRecorder()
    const { url } = await startRelay({ logger })
    const page = await join(url)
    page.signal('Saved', { card: '4111-1111' })
    await page.heard(1)
    expect(lines.filter(({ level }) => level !== 'debug')).toEqual([])
  })
})

const MEGABYTE = 1024 * 1024

/** What is in use when everything that is not has been collected. */
function memoryInUse(): number {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}
