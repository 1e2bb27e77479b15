import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { beforeAll, afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { findFreePort } from '../support/free-port.mjs'
import { bundleRelay } from './bundle.js'
import { connect, join as joinRooms, startRelay } from './protocol-client.js'

const PATIENCE = 30_000
const [OLD, NEW] = ['an-old-secret-of-32-characters-00', 'a-new-secret-of-32-characters-000']
const SITE = 'https://example.com'

describe('reload()', () => {
  it('applies origins, keys and limits to new connections and requests, and keeps the connections', async () => {
    const { relay, url, page } = await startRelay({ origin: [SITE], publishKey: [{ name: 'shop', secret: 'first' }] })
    const before = await connect(url, { origin: SITE })
    await before.next('joined')
    const changes = {
      origin: ['https://shop.example'],
      publishKey: [{ name: 'shop', secret: 'second' }],
      maxConnections: 2,
    }
    expect(relay.reload(changes)).toEqual({ changed: ['origin', 'publishKey', 'maxConnections'], restart: [] })
    await expect(connect(url, { origin: SITE })).rejects.toThrow('403')
    const after = await connect(url, { origin: 'https://shop.example' })
    await after.next('joined')
    const excess = await connect(url, { origin: 'https://shop.example' })
    const statuses = await Promise.all(['first', 'second'].map((secret) => publish(page, secret)))
    expect([(await excess.closed).code, statuses]).toEqual([4529, [401, 200]])
    expect((await before.next('signal')).signal).toBe('Saved')
  })

  it('ends the connections whose token has lost its secret, and no other', async () => {
    const { relay, url } = await startRelay({ authSecret: [OLD, NEW] })
    const [old, fresh] = [
      await connect(url, { token: await tokenOf(OLD) }),
      await connect(url, { token: await tokenOf(NEW) }),
    ]
    await Promise.all([old.next('joined'), fresh.next('joined')])
    relay.reload({ authSecret: [NEW] })
    expect((await old.closed).code).toBe(4401)
    fresh.signal('Saved')
    await fresh.next('accepted')
  })

  it('names the options that need a restart, and leaves them', async () => {
    const { relay, url, port } = await startRelay()
    const page = await joinRooms(url)
    const changes = { port: port + 1, authSecret: [NEW], dashboardKey: 'a-key-of-operators', rate: 10 }
    expect(relay.reload(changes)).toEqual({ changed: ['rate'], restart: ['port', 'authSecret', 'dashboardKey'] })
    page.signal('Saved')
    await page.next('accepted')
    await (await joinRooms(url)).level()
  })

  it('changes nothing when an option is wrong', async () => {
    const { relay, url } = await startRelay({ origin: [SITE] })
    expect(() => relay.reload({ origin: [], maxRooms: -1 })).toThrow('maxRooms must be a whole number')
    await (await connect(url, { origin: SITE })).next('joined')
  })

  it('ends the logins of the dashboard with a new key', async () => {
    const { relay, page } = await startRelay({ dashboardKey: 'the-first-key' })
    relay.reload({ dashboardKey: 'the-second-key' })
    const ask = async (key: string): Promise<number> =>
      (await fetch(`${page}metrics`, { headers: { Authorization: `Bearer ${key}` } })).status
    expect([await ask('the-first-key'), await ask('the-second-key')]).toEqual([401, 200])
  })
})

describe('the relay on SIGHUP', () => {
  let folder: string
  let main: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalpost-reload-'))
    main = await bundleRelay(join(folder, 'package'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads its environment file again, and loses no connection', async () => {
    const file = join(folder, 'relay.env')
    await writeFile(file, `SIGNALPOST_ORIGIN=${SITE}\n`)
    // systemd puts the variables of the file into the environment, too.
    const relay = await start({ SIGNALPOST_ENV_FILE: file, SIGNALPOST_ORIGIN: SITE })
    const page = await connect(relay.url, { origin: SITE })
    await page.next('joined')
    await writeFile(file, '# The site has moved.\nexport SIGNALPOST_ORIGIN="https://shop.example"\n')
    await relay.hangUp('the settings were read again')
    const moved = await connect(relay.url, { origin: 'https://shop.example' })
    await moved.next('joined')
    moved.signal('Saved')
    expect((await page.next('signal')).signal).toBe('Saved')
    await expect(connect(relay.url, { origin: SITE })).rejects.toThrow('403')
  })

  it('keeps its settings when a file is wrong, and logs one line', async () => {
    const file = join(folder, 'relay.json')
    await writeFile(file, JSON.stringify({ origin: [SITE] }))
    const relay = await start({ SIGNALPOST_CONFIG: file })
    await writeFile(file, '{"origin": ["https://shop.example"], "maxRooms": "many"}')
    await relay.hangUp('the relay keeps the present ones')
    expect(relay.lines('the relay keeps the present ones')).toEqual([
      expect.objectContaining({ level: 'error', text: expect.stringMatching(/relay\.json: maxRooms must be/) }),
    ])
    await (await connect(relay.url, { origin: SITE })).next('joined')
  })

  it('names the options that need a restart in one line', async () => {
    const file = join(folder, 'restart.env')
    await writeFile(file, '')
    const relay = await start({ SIGNALPOST_ENV_FILE: file })
    await writeFile(file, 'SIGNALPOST_HISTORY=5\nSIGNALPOST_WINDOW=700000\nSIGNALPOST_LOG_LEVEL=warn\n')
    await relay.hangUp('need a restart')
    expect(relay.lines('need a restart')).toMatchObject([{ level: 'warn', options: ['history', 'window'] }])
  })

  it('opens its log file again, so that logrotate needs no copy', async () => {
    const log = join(folder, 'relay.log')
    const relay = await start({ SIGNALPOST_LOG_FILE: log })
    await vi.waitUntil(async () => (await read(log)).includes('listening'), PATIENCE)
    await rename(log, `${log}.1`)
    await relay.hangUp()
    await vi.waitUntil(async () => (await read(log)).includes('the settings were read again'), PATIENCE)
    expect(await read(`${log}.1`)).not.toContain('the settings were read again')
  })

  it('warns of too few descriptors, logs when none is free, and accepts again later', async () => {
    const relay = await start({ SIGNALPOST_DASHBOARD_KEY: 'the-key-of-operators' }, 40)
    expect(relay.lines('ulimit -n is 40')).toMatchObject([{ level: 'warn' }])
    const pages = await Promise.allSettled(Array.from({ length: 40 }, () => connect(relay.url)))
    await vi.waitUntil(() => relay.lines('no file descriptor is free').length > 0, PATIENCE)
    for (const page of pages.slice(1)) if (page.status === 'fulfilled') page.value.cut()
    const headers = { Authorization: 'Bearer the-key-of-operators' }
    const metrics = await vi.waitFor(
      async () => (await fetch(relay.url.replace('ws:', 'http:').replace('signals', 'metrics'), { headers })).text(),
      PATIENCE,
    )
    expect(metrics).toMatch(/^process_max_fds 40$/m)
    expect(metrics).toMatch(/^process_open_fds \d+$/m)
    expect(relay.lines('no file descriptor is free')).toHaveLength(1)
  })

  async function start(settings: Readonly<Record<string, string>>, descriptors?: number) {
    const port = await findFreePort()
    const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
    const env = { PATH: process.env.PATH ?? '', SIGNALPOST_PORT: String(port), ...settings }
    const child = spawn('sh', ['-c', `${limit}exec "$0" "$1" relay`, process.execPath, main], { env })
    onTestFinished(() => void child.kill('SIGKILL'))
    const output = collect(child)
    await vi.waitUntil(
      async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.ok,
      PATIENCE,
    )
    const lines = (text: string): Record<string, unknown>[] =>
      output()
        .split('\n')
        .filter((line) => line.includes(text))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    return {
      url: `ws://127.0.0.1:${port}/signals`,
      lines,
      /** Sends SIGHUP, and waits for a line of the log. */
      async hangUp(text?: string): Promise<void> {
        child.kill('SIGHUP')
        if (text !== undefined) await vi.waitUntil(() => lines(text).length > 0, PATIENCE)
      },
    }
  }
})

function collect(child: ChildProcess): () => string {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += String(bytes)))
  return () => output
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}

async function publish(page: string, secret: string): Promise<number> {
  const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' }
  const response = await fetch(`${page}publish`, { method: 'POST', headers, body: '{"signal":"Saved"}' })
  return response.status
}

function tokenOf(secret: string): Promise<string> {
  const token = new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('10m')
  return token.sign(new TextEncoder().encode(secret))
}
