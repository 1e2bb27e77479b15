import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Agent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createSignalClient, type SignalClient } from '../../src/index.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { pageId } from '../relay/protocol-client.js'
import { BASE, installSignalpost, PATIENCE, readKit, type RelayProcess, startRelay } from './fixtures.js'
import { REDIS, REDIS_PASSWORD, startRedis } from './redis.js'
import { ask, NGINX, NGINX_ADVICE, NGINX_KIT, type Nginx, OPENSSL, startNginx, UPGRADE } from './nginx.js'

const SETTINGS = { SIGNALPOST_ORIGIN: 'https://example.com' }
const CONF = NGINX_KIT

describeWhere(NGINX && OPENSSL, NGINX_ADVICE)('the files for nginx', () => {
  it('speaks TLS to visitors, WebSocket to the relay, and sends plain http to https', async () => {
    const { nginx } = await setup()
    const upgrade = await ask(nginx, `${BASE}/signals`, { headers: UPGRADE })
    const stranger = await ask(nginx, `${BASE}/signals`, { headers: { ...UPGRADE, Origin: 'https://evil.example' } })
    const plain = await ask(nginx, '/report?year=1', { isPlain: true })
    const site = await ask(nginx, '/')
    expect([upgrade.status, stranger.status, plain.status, site.status]).toEqual([101, 403, 308, 200])
    expect(plain.headers.location).toBe('https://example.com/report?year=1')
  })

  it('brings what a leaving page says', async () => {
    const { nginx } = await setup()
    const id = pageId()
    const body = JSON.stringify({ v: 1, tab: pageId(), signals: [{ id, signal: 'Saved' }] })
    const headers = { Origin: 'https://example.com', 'Content-Type': 'text/plain' }
    const answer = await ask(nginx, `${BASE}/signals`, { method: 'POST', headers, body })
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { accepted: [id], refused: [] }])
  })

  it('keeps what is for backends and operators from visitors', async () => {
    const { nginx } = await setup()
    const asked = ['publish', 'revoke', 'health', 'ready', 'metrics', ''].map((path) =>
      ask(nginx, `/signalpost/${path}`, { from: '127.0.0.2' }),
    )
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    const here = await ask(nginx, '/signalpost/health')
    const dashboard = await ask(nginx, '/signalpost/dashboard', { from: '127.0.0.2' })
    expect(statuses).toEqual([403, 403, 403, 403, 403, 403])
    expect(JSON.parse(here.body)).toMatchObject({ status: 'ok' })
    // Without a key there is no dashboard, but the visitor reaches the relay.
    expect([dashboard.status, dashboard.headers.server]).toEqual([404, expect.stringContaining('nginx')])
    expect(dashboard.body).toContain('--dashboard-key')
  })

  it('takes no other path from the site', async () => {
    const { nginx } = await setup()
    const paths = ['/health', '/dashboard', '/signals', '/publish', '/signalpostx', '/index.html']
    const answers = await Promise.all(paths.map((path) => ask(nginx, path)))
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 200])
    expect(answers.slice(0, 5).every(({ body }) => body.includes('<center>nginx'))).toBe(true)
  })

  it('tells the relay the address of the visitor, whatever the visitor claims', async () => {
    const seen: unknown[] = []
    const { port } = await listen((headers) => seen.push([headers['x-forwarded-for'], headers['x-forwarded-proto']]))
    const nginx = await startNginx(CONF, [port, port])
    await ask(nginx, `${BASE}/signals`, { from: '127.0.0.3', headers: { 'X-Forwarded-For': '10.9.8.7' } })
    expect(seen).toEqual([['127.0.0.3', 'https']])
  })

  it('takes clients to the other relay when one is shutting down, and when one is gone', async () => {
    const { port: leaving } = await listen(() => 503)
    const { relays } = await setup()
    const beside = await startNginx(CONF, [leaving, relays[0].port])
    const alone = await startNginx(CONF, [await findFreePort(), relays[0].port])
    for (const nginx of [beside, alone]) {
      const statuses: unknown[] = []
      for (let count = 0; count < 4; count += 1)
        statuses.push((await ask(nginx, `${BASE}/signals`, { headers: UPGRADE })).status)
      expect(statuses).toEqual([101, 101, 101, 101])
    }
  })

  it('bears the silence between two beats of the relay', () => {
    const seconds = [...CONF.matchAll(/proxy_(?:read|send)_timeout (\d+)s;/g)].map(([, time]) => Number(time))
    expect(seconds).toHaveLength(2)
    expect(Math.min(...seconds)).toBeGreaterThan(2 * 25)
  })

  it('keeps a page online while its relay is restarted', async () => {
    const { nginx, relays, restart } = await setup()
    const page = openPage(nginx)
    await vi.waitUntil(() => page.status.state === 'online', PATIENCE)
    const loads = await Promise.all(relays.map(({ port }) => connections(port)))
    const [mine, other] = loads[0] === 1 ? [0, 1] : [1, 0]
    await relays[mine]?.stop()
    await vi.waitUntil(() => page.status.state === 'online', PATIENCE)
    const sent = await page.sendSignal('Saved', 'by the other one')
    const loadOfOther = await connections(relays[other]?.port ?? 0)
    await restart(mine)
    await relays[other]?.stop()
    await vi.waitUntil(async () => (await connections(relays[mine]?.port ?? 0)) === 1, PATIENCE)
    const sentAgain = await page.sendSignal('Saved', 'by the first one')
    expect([loads.toSorted(), sent.outcome, loadOfOther, sentAgain.outcome]).toEqual([
      [0, 1],
      'accepted',
      1,
      'accepted',
    ])
  })
})

describeWhere(NGINX && OPENSSL && REDIS, `${NGINX_ADVICE} And: apt-get install redis-server.`)('two relays', () => {
  it('that share a Redis are one: every page hears every signal once, while each of them is restarted', async () => {
    const redis = `redis://:${REDIS_PASSWORD}@127.0.0.1:${await startRedis()}`
    const { nginx, relays, restart } = await setup({ SIGNALPOST_REDIS: redis })
    const pages = Array.from({ length: 4 }, () => openPage(nginx))
    const heard = pages.map((): unknown[] => [])
    for (const [index, page] of pages.entries()) page.receiveSignal('Saved', (data) => heard[index]?.push(data))
    await vi.waitUntil(() => pages.every(({ status }) => status.state === 'online'), PATIENCE)
    const loads = await Promise.all(relays.map(({ port }) => connections(port)))
    const outcomes: string[] = []
    const say = async (data: string): Promise<void> => {
      for (const [index, page] of pages.entries()) outcomes.push((await page.sendSignal('Saved', data + index)).outcome)
    }
    await say('before ')
    await relays[0].stop()
    await say('without the first ')
    await restart(0)
    await relays[1].stop()
    await say('without the second ')
    await vi.waitUntil(() => heard.every(({ length }) => length >= 12), PATIENCE)
    expect([loads, new Set(outcomes)]).toEqual([[2, 2], new Set(['accepted'])])
    expect(heard).toEqual(heard.map(() => heard[0]))
    expect(new Set(heard[0]).size).toBe(12)
  })
})

describeWhere(NGINX && OPENSSL, NGINX_ADVICE)('the directives for Plesk', () => {
  it('are all that a server needs', async () => {
    const { relays } = await setup()
    const directives = /```nginx\n(location = \/signalpost\/signals[\s\S]*?)```/.exec(readKit('DEPLOY.md'))?.[1] ?? ''
    const tls = 'ssl_certificate /etc/signalpost/fullchain.pem; ssl_certificate_key /etc/signalpost/privkey.pem;'
    const nginx = await startNginx(`server { listen 443 ssl; ${tls}\n${directives} }`, [relays[0].port])
    const id = pageId()
    const body = JSON.stringify({ v: 1, tab: pageId(), signals: [{ id, signal: 'Saved' }] })
    const headers = { Origin: 'https://example.com', 'Content-Type': 'text/plain' }
    const upgrade = await ask(nginx, `${BASE}/signals`, { headers: UPGRADE })
    const farewell = await ask(nginx, `${BASE}/signals`, { method: 'POST', headers, body })
    const other = await ask(nginx, '/health')
    expect([upgrade.status, farewell.status, other.status]).toEqual([101, 200, 404])
  })
})

/** Two relays behind nginx. */
async function setup(settings: Readonly<Record<string, string>> = {}) {
  const { main } = await installSignalpost()
  const start = async (port: number): Promise<RelayProcess> => startRelay(main, port, { ...SETTINGS, ...settings })
  const relays: [RelayProcess, RelayProcess] = [await start(await findFreePort()), await start(await findFreePort())]
  const nginx = await startNginx(
    CONF,
    relays.map(({ port }) => port),
  )
  async function restart(index: 0 | 1 | number): Promise<void> {
    const place = index === 0 ? 0 : 1
    relays[place] = await start(relays[place].port)
  }
  return { nginx, relays, restart }
}

/** A page of example.com with the SDK, as far as there is one without a browser. */
function openPage(nginx: Nginx): SignalClient {
  const ca = readFileSync(nginx.certificate)
  vi.stubGlobal('WebSocket', function connect(url: string) {
    const agent = new Agent({ ca, servername: 'example.com' })
    return new WebSocket(url, { agent, origin: 'https://example.com', headers: { Host: 'example.com' } })
  })
  const client = createSignalClient({ url: `wss://127.0.0.1:${nginx.https}${BASE}/signals`, connect: 'manual' })
  onTestFinished(() => {
    client.close()
    vi.unstubAllGlobals()
  })
  client.connect()
  return client
}

async function connections(port: number): Promise<number> {
  const health = await fetch(`http://127.0.0.1:${port}${BASE}/health`)
  return ((await health.json()) as { connections: number }).connections
}

/** A server that says what it was asked, and answers with what it is told to. */
async function listen(
  onAsked: (headers: NodeJS.Dict<string | string[]>) => number,
): Promise<{ readonly port: number }> {
  const server = createServer(({ headers }, response) => {
    response.writeHead(onAsked(headers) === 503 ? 503 : 200).end()
  })
  server.on('upgrade', ({ headers }, socket) => {
    onAsked(headers)
    socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port }
}
