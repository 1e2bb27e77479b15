import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { httpFallback } from '../../src/fallback/index.js'
import { createSignalClient, type ClientOptions, type SignalClient } from '../../src/index.js'
import { startBlockingProxy } from '../support/blocking-proxy.js'
import { bundleRelay } from './bundle.js'
import { connect, join, type ProtocolClient } from './protocol-client.js'
import { describeRedis, startRedis } from './redis-server.js'
import { KEY, PATIENCE, spawnWorkers, startWorkers, type WorkerCommand } from './worker-command.js'

const SECRET = 'correct-horse-battery-staple-0123'
const PUBLISH = { Authorization: 'Bearer s3cret-of-the-shop', 'Content-Type': 'application/json' }

/** Kills the primary process, and lets the worker go on when it is gone. */
const KILL_PRIMARY = `
const { Server } = require('node:net')
const { listen } = Server.prototype
const primary = Number(process.env.PRIMARY)
process.env.PRIMARY ??= process.pid
if (primary) Server.prototype.listen = function (...options) {
  try { process.kill(primary, 'SIGKILL') } catch {}
  while (process.ppid === primary);
  return listen.apply(this, options)
}`

let folder: string
let main: string
beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'signalpost-workers-'))
  main = await bundleRelay(joinPath(folder, 'package'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(() => void vi.stubGlobal('WebSocket', WebSocket))
afterEach(() => void vi.unstubAllGlobals())

async function start(settings: Readonly<Record<string, string>> = {}): Promise<WorkerCommand> {
  const { url } = await startRedis()
  return startWorkers(main, { SIGNALPOST_REDIS: url, ...settings })
}

async function joinMany(url: string, count: number): Promise<ProtocolClient[]> {
  const pages: ProtocolClient[] = []
  while (pages.length < count) pages.push(await join(url))
  return pages
}

function openPage(port: number, options: Partial<ClientOptions> = {}): SignalClient {
  const client = createSignalClient({
    url: `ws://127.0.0.1:${port}/signals`,
    connect: 'manual',
    since: 'now',
    ...options,
  })
  onTestFinished(() => client.close())
  client.connect()
  return client
}

const online = (client: SignalClient) => vi.waitFor(() => expect(client.status.state).toBe('online'), PATIENCE)

/** Cuts a connection that is accepted: workers learn of each other's connections a moment later. */
async function outcomeOf(page: ProtocolClient): Promise<string> {
  const accepted = page.next('joined').then(
    () => page.cut(),
    () => {},
  )
  const { code, reason } = await page.closed
  await accepted
  return `${code} ${reason}`
}

describeRedis('a relay with three workers', () => {
  it('passes signals from worker to worker, and adds up what they report', async () => {
    const relay = await start({ SIGNALPOST_PUBLISH_KEY: 'shop:s3cret-of-the-shop' })
    const pages = await joinMany(relay.url, 6)
    pages[0]?.signal('Saved')
    await Promise.all(pages.map((page) => page.heard(1)))
    const health = await Promise.all(Array.from({ length: 3 }, async () => (await relay.get('health')).json()))
    expect(health).toEqual(Array(3).fill(expect.objectContaining({ status: 'ok', connections: 6, sockets: 6 })))
    const metrics = await relay.metrics()
    expect(metrics.get('signalpost_connections')).toBe(6)
    expect(metrics.get('signalpost_signals_in_total{from="page"}')).toBe(1)
    expect(metrics.get('signalpost_signals_out_total')).toBe(6)
    const labels = [...metrics.keys()].filter((name) => name.startsWith('process_cpu_seconds_total'))
    expect(labels.map((name) => /worker="(.*)"/.exec(name)?.[1])).toEqual(['1', '2', '3', 'primary'])
    const { instance, others, ...state } = await relay.state()
    expect([instance, ...others].map(({ connections }) => connections)).toEqual([2, 2, 2])
    expect(state).toMatchObject({
      total: { connections: 6 },
      counts: { signalsIn: { page: 1 }, signalsOut: 6 },
      rooms: [{ name: 'main', members: 6 }],
      signals: [{ signal: 'Saved' }],
    })
    const rooms = await (await relay.get('rooms', PUBLISH)).json()
    expect(rooms).toEqual({ rooms: [{ room: 'main', members: 6 }], total: 1 })
    expect(await (await relay.get('rooms/main', PUBLISH)).json()).toMatchObject({ members: 6 })
  })

  it('replaces a worker that is killed, and its pages miss nothing', async () => {
    const relay = await start()
    const sender = openPage(relay.port)
    const pages = Array.from({ length: 6 }, () => {
      const received: unknown[] = []
      const page = openPage(relay.port)
      page.receiveSignal('Saved', (data) => void received.push(data))
      page.onGap((gap) => void received.push(gap))
      return { page, received }
    })
    // A Redis that has just started cannot vouch for the moments before a join that it answers late: that gap is true.
    await Promise.all([sender, ...pages.map(({ page }) => page)].map(online))
    expect((await sender.sendSignal('Saved', 'first')).outcome).toBe('accepted')
    for (const { received } of pages) {
      await vi.waitFor(() => expect(received.at(-1)).toBe('first'), PATIENCE)
      received.length = 0
    }
    const [victim = 0] = await relay.workers()
    const before = await relay.metrics()
    const numbers = Array.from({ length: 60 }, (_, number) => number)
    for (const number of numbers) {
      if (number === 20) process.kill(victim, 'SIGKILL')
      expect((await sender.sendSignal('Saved', number)).outcome).toBe('accepted')
    }
    for (const { received } of pages) await vi.waitFor(() => expect(received).toEqual(numbers), PATIENCE)
    await vi.waitFor(async () => {
      const workers = await relay.workers()
      expect([workers.length, workers.includes(victim)]).toEqual([3, false])
    }, PATIENCE)
    expect(relay.lines('is replaced')).toMatchObject([{ level: 'error', cause: 'SIGKILL' }])
    const after = await relay.metrics()
    const fallen = [...before].filter(([name, count]) => name.includes('_total') && (after.get(name) ?? 0) < count)
    expect(fallen.map(([name]) => name).filter((name) => !name.startsWith('process_'))).toEqual([])
  })

  it('drains all workers on SIGTERM, and ends with code 0', async () => {
    const relay = await start()
    const pages = await joinMany(relay.url, 9)
    relay.signal('SIGTERM')
    const goodbyes = await Promise.all(pages.map((page) => page.next('goodbye')))
    const endings = await Promise.all(pages.map((page) => page.closed))
    expect(await relay.exited).toBe(0)
    expect(goodbyes.every(({ reason }) => reason === 'restart')).toBe(true)
    expect(new Set(goodbyes.map(({ retryAfter }) => retryAfter)).size).toBeGreaterThan(3)
    expect(endings.map(({ code }) => code)).toEqual(Array(9).fill(4503))
    expect([relay.lines('shutting down').length, relay.lines('stopped').length, relay.complaints()]).toEqual([1, 1, ''])
  })

  it('ends on SIGTERM while it starts', async () => {
    let connections = 0
    const silent = createServer(() => (connections += 1)).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const relay = spawnWorkers(main, 0, { SIGNALPOST_REDIS: `redis://127.0.0.1:${port}` })
    await vi.waitUntil(() => connections >= 3, PATIENCE)
    relay.signal('SIGTERM')
    expect([await relay.exited, relay.complaints()]).toEqual([0, ''])
  })

  it('drains once when the system sends SIGTERM to every process', async () => {
    const relay = await start()
    const pages = await joinMany(relay.url, 3)
    const workers = await relay.workers()
    for (const worker of workers) process.kill(worker, 'SIGTERM')
    relay.signal('SIGTERM')
    expect((await Promise.all(pages.map((page) => page.closed))).map(({ code }) => code)).toEqual([4503, 4503, 4503])
    expect([await relay.exited, relay.complaints()]).toEqual([0, ''])
  })

  it('says once that the port is in use, and ends with code 2', async () => {
    const { url } = await startRedis()
    const squatter = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void squatter.close())
    await once(squatter, 'listening')
    const { port } = squatter.address() as { port: number }
    const relay = spawnWorkers(main, port, { SIGNALPOST_REDIS: url })
    expect(await relay.exited).toBe(2)
    expect(relay.complaints()).toBe(
      `signalpost: port ${port} is in use. Stop the program that uses it, or choose another with --port.\n`,
    )
  })

  it('ends without a word when its primary process is killed while its workers begin to listen', async () => {
    const { url } = await startRedis()
    const script = joinPath(folder, 'kill-primary.cjs')
    await writeFile(script, KILL_PRIMARY)
    const settings = { SIGNALPOST_REDIS: url, NODE_OPTIONS: `--require ${script}` }
    const relay = spawnWorkers(main, 0, settings)
    expect([await relay.exited, relay.complaints()]).toEqual([null, ''])
  })

  it('says once that Redis is not there, and ends with code 2', async () => {
    const relay = spawnWorkers(main, 0, { SIGNALPOST_REDIS: 'redis://127.0.0.1:1' })
    expect(await relay.exited).toBe(2)
    expect(relay.complaints()).toMatch(/^signalpost: [^\n]*ECONNREFUSED[^\n]*\n$/)
  })

  it('starts a worker again and again, ever more rarely, while it cannot start', async () => {
    const redis = await startRedis()
    const relay = await startWorkers(main, { SIGNALPOST_REDIS: redis.url })
    const [victim = 0, ...rest] = await relay.workers()
    await redis.kill()
    process.kill(victim, 'SIGKILL')
    await vi.waitUntil(() => relay.lines('is replaced').length > 2, PATIENCE)
    const delays = relay.lines('is replaced').map(({ delay }) => Number(delay))
    expect(delays).toEqual(delays.toSorted((a, b) => a - b))
    expect(new Set(delays).size).toBe(delays.length)
    expect(relay.lines('a worker did not start')[0]?.text).toContain('ECONNREFUSED')
    expect((await relay.get('health')).status).toBe(200)
    await redis.start()
    await vi.waitFor(async () => expect(await relay.workers()).toEqual(expect.arrayContaining([...rest])), PATIENCE)
    await vi.waitFor(async () => expect(await relay.workers()).toHaveLength(3), PATIENCE)
  })

  it('serves pages whose WebSockets are blocked, whichever worker gets their requests', async () => {
    const relay = await start()
    const proxy = await startBlockingProxy(() => relay.port, 'answers 403', 0)
    onTestFinished(() => proxy.close())
    const pages = Array.from({ length: 3 }, () => {
      const received: unknown[] = []
      const page = openPage(proxy.port, { transport: httpFallback })
      page.receiveSignal('Saved', (data) => void received.push(data))
      page.receiveSignal('Saved', (data) => void received.push(data), { room: 'team' })
      return { page, received }
    })
    await Promise.all(pages.map(({ page }) => online(page)))
    const numbers = Array.from({ length: 12 }, (_, number) => number)
    for (const number of numbers) {
      const { page } = pages[number % pages.length] ?? {}
      const result = await page?.sendSignal('Saved', number, number % 2 === 0 ? {} : { room: 'team' })
      expect(result?.outcome).toBe('accepted')
    }
    for (const { received } of pages) {
      await vi.waitFor(() => expect(received.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers), PATIENCE)
    }
  })

  it('publishes a repeated request once, whichever worker gets it', async () => {
    const relay = await start({ SIGNALPOST_PUBLISH_KEY: 'shop:s3cret-of-the-shop' })
    const pages = await joinMany(relay.url, 3)
    const headers = { ...PUBLISH, 'Idempotency-Key': 'order-4711', Connection: 'close' }
    const publish = (signal: string, more = {}) =>
      fetch(`${relay.page}publish`, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify({ signal }),
      })
    const answers = await Promise.all(Array.from({ length: 6 }, () => publish('Saved')))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    expect((await publish('Other')).status).toBe(409)
    await publish('Last', { 'Idempotency-Key': 'order-4712' })
    for (const page of pages) expect((await page.heard(2)).map(({ signal }) => signal)).toEqual(['Saved', 'Last'])
  })

  it('reads its settings again on SIGHUP, for all workers, and logs wrong ones once', async () => {
    const file = joinPath(folder, 'relay.json')
    await writeFile(file, JSON.stringify({ origin: ['https://one.example'] }))
    const relay = await start({ SIGNALPOST_CONFIG: file })
    const connectAs = async (origin: string) => {
      const page = await connect(relay.url, { origin })
      await page.next('joined')
      return page
    }
    const page = await connectAs('https://one.example')
    await writeFile(file, JSON.stringify({ origin: ['https://two.example'], workers: 2 }))
    relay.signal('SIGHUP')
    await vi.waitUntil(() => relay.lines('the settings were read again').length > 0, PATIENCE)
    for (let worker = 1; worker <= 3; worker += 1) await connectAs('https://two.example')
    await expect(connect(relay.url, { origin: 'https://one.example' })).rejects.toThrow('403')
    await writeFile(file, '{"origin": 5}')
    relay.signal('SIGHUP')
    await vi.waitUntil(() => relay.lines('the new settings are wrong').length > 0, PATIENCE)
    for (let worker = 1; worker <= 3; worker += 1) await connectAs('https://two.example')
    page.signal('Saved')
    await page.next('accepted')
    expect(relay.lines('the settings were read again')).toHaveLength(1)
    expect(relay.lines('the new settings are wrong')).toHaveLength(1)
    expect(relay.lines('This origin is not allowed')).toMatchObject([{ worker: expect.any(Number) }])
  })

  it('counts the connections of all workers together, and gives back those of one that is killed', async () => {
    const relay = await start({ SIGNALPOST_MAX_CONNECTIONS: '6' })
    const pages = await joinMany(relay.url, 6)
    await vi.waitFor(async () => expect(await outcomeOf(await connect(relay.url))).toMatch('4529'), PATIENCE)
    const [victim = 0] = await relay.workers()
    process.kill(victim, 'SIGKILL')
    const cut = await Promise.race(pages.map((page) => page.closed))
    expect(cut.code).toBe(1006)
    await vi.waitFor(() => join(relay.url), PATIENCE)
  })

  it('counts the connections of an address and of a user in all workers', async () => {
    const relay = await start({
      SIGNALPOST_MAX_CONNECTIONS_PER_ADDRESS: '4',
      SIGNALPOST_MAX_CONNECTIONS_PER_USER: '2',
      SIGNALPOST_TRUST_PROXY: '1',
      SIGNALPOST_AUTH_SECRET: SECRET,
    })
    const from = async (address: string, user: string): Promise<ProtocolClient> => {
      const token = await new SignJWT({ sub: user })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('10m')
        .sign(new TextEncoder().encode(SECRET))
      return connect(relay.url, { token, options: { headers: { 'X-Forwarded-For': address } } })
    }
    for (const user of ['ann', 'bob', 'cid', 'dan']) await (await from('192.0.2.1', user)).next('joined')
    await vi.waitFor(async () => {
      expect(await outcomeOf(await from('192.0.2.1', 'eve'))).toBe('4529 too many connections from this network')
    }, PATIENCE)
    await (await from('192.0.2.2', 'ann')).next('joined')
    await vi.waitFor(async () => {
      expect(await outcomeOf(await from('192.0.2.3', 'ann'))).toBe('4529 too many connections of this user')
    }, PATIENCE)
  })

  it('accepts a login to the dashboard on each worker, until it is ended on one', async () => {
    const relay = await start()
    const post = (path: string, headers = {}) =>
      fetch(`${relay.page}dashboard/${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Connection: 'close', ...headers },
        body: `key=${KEY}`,
      })
    const cookie = (await post('login')).headers.get('set-cookie')?.split(';')[0] ?? ''
    const statuses = async (): Promise<number[]> =>
      Promise.all(Array.from({ length: 6 }, async () => (await relay.get('dashboard/state', { cookie })).status))
    expect(await statuses()).toEqual(Array(6).fill(200))
    await post('logout', { cookie })
    await vi.waitFor(async () => expect(await statuses()).toEqual(Array(6).fill(401)), PATIENCE)
  })
})
