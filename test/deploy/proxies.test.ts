import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { textsUnder } from '../package/blocks.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { connect, pageId, startRelay } from '../relay/protocol-client.js'
import { APACHE, startApache } from './apache.js'
import { BASE, makeFolder, PATIENCE, readKit } from './fixtures.js'
import { UPGRADE } from './nginx.js'
import { findProgram } from './programs.js'
import { fetchFrom, type SilentServer, startProxy, startSilentServer } from './proxy.js'

/** The recipes of PROXIES.md are run as they stand there: only addresses, certificates and folders are those of the test. */

const GUIDE = 'examples/relay/PROXIES.md'
const ADVICE = 'A proxy is missing: apt-get install --no-install-recommends apache2-bin haproxy caddy lighttpd varnish.'
const PROGRAMS = ['apache2', 'haproxy', 'caddy', 'lighttpd', 'varnishd'].map(findProgram)

/** Short time limits, so that silence ends a connection soon (s). */
const LIMIT = 2
/** The longest silence of the test's relay (ms). */
const BEAT = 400
/** So many heartbeats last longer than the time limit. */
const BEATS = 10

const SETTINGS = { origin: ['https://example.com'], base: BASE }

interface Proxy {
  readonly name: string
  /** True if silence ends a WebSocket. */
  readonly hasTimeLimit: boolean
  /** Starts the proxy in front of a relay, and returns its port. With `isShort`, its time limits are short. */
  start(relay: number, isShort?: boolean): Promise<number>
}

const BALANCER = ['proxy_balancer', 'lbmethod_bybusyness', 'slotmem_shm']

const PROXIES: readonly Proxy[] = [
  {
    name: 'Apache',
    hasTimeLimit: true,
    async start(relay, isShort) {
      const kit = readKit('apache.conf')
      if (!isShort) return (await startApache(relay)).port
      // The longer one of both limits holds.
      return (await startApache(relay, kit.replaceAll('timeout=75', `timeout=${LIMIT}`), `Timeout ${LIMIT}`)).port
    },
  },
  {
    name: 'Apache before 2.4.47',
    hasTimeLimit: false,
    async start(relay, isShort) {
      const kit = replaceProxyPass(find('RewriteEngine'))
      const settings = `ProxyWebsocketFallbackToProxyHttp Off\n${isShort ? `ProxyTimeout ${LIMIT}` : ''}`
      return (await startApache(relay, kit, settings, ['proxy_wstunnel'])).port
    },
  },
  {
    name: 'Apache with two relays',
    hasTimeLimit: true,
    async start(relay, isShort) {
      const kit = replaceProxyPass(find('BalancerMember')).replaceAll('127.0.0.1:8082', `127.0.0.1:${relay}`)
      if (!isShort) return (await startApache(relay, kit, '', BALANCER)).port
      const short = kit.replaceAll('timeout=75', `timeout=${LIMIT}`)
      return (await startApache(relay, short, `Timeout ${LIMIT}`, BALANCER)).port
    },
  },
  {
    name: 'HAProxy',
    hasTimeLimit: true,
    async start(relay, isShort) {
      const { recipe, folder, port } = await prepare('HAProxy', 'haproxy', relay)
      const site =
        'backend site\n    mode http\n    http-request return status 200 content-type text/plain string "the site"\n'
      const plain = recipe
        .replace(/bind .*/, `bind 127.0.0.1:${port}`)
        .replaceAll(/(timeout \w+ )75s/g, isShort ? `$1${LIMIT}s` : '$&')
      await writeFile(join(folder, 'haproxy.cfg'), `${plain}\n${site}`)
      await startProxy(findProgram('haproxy') ?? '', ['-f', join(folder, 'haproxy.cfg')], port)
      return port
    },
  },
  {
    name: 'Caddy',
    hasTimeLimit: false,
    async start(relay) {
      const { recipe, folder, port } = await prepare('Caddy', 'caddy', relay)
      const plain = recipe.replace('example.com {', `http://127.0.0.1:${port}, http://example.com:${port} {`)
      const file = join(folder, 'Caddyfile')
      await writeFile(file, `{\n admin off\n auto_https off\n}\n${plain}`)
      await startProxy(findProgram('caddy') ?? '', ['run', '--config', file, '--adapter', 'caddyfile'], port)
      return port
    },
  },
  {
    name: 'lighttpd',
    hasTimeLimit: false,
    async start(relay) {
      const { recipe, folder, port } = await prepare('lighttpd', 'lighttpd', relay)
      const own = `server.bind = "127.0.0.1"\nserver.port = ${port}\nserver.document-root = "${folder}"\nindex-file.names = ( "index.html" )\n`
      await writeFile(join(folder, 'lighttpd.conf'), own + recipe)
      await startProxy(findProgram('lighttpd') ?? '', ['-D', '-f', join(folder, 'lighttpd.conf')], port)
      return port
    },
  },
  {
    name: 'Varnish',
    hasTimeLimit: true,
    async start(relay, isShort) {
      const { recipe, folder, port } = await prepare('Varnish', 'vcl', relay)
      const site = 'sub vcl_recv { return (synth(200)); }\n'
      await writeFile(join(folder, 'site.vcl'), `vcl 4.1;\n${recipe}\n${site}`)
      const limit = isShort ? ['-p', `pipe_timeout=${LIMIT}`] : []
      const args = ['-F', '-a', `127.0.0.1:${port}`, '-f', join(folder, 'site.vcl'), '-n', folder, '-j', 'none']
      await startProxy(findProgram('varnishd') ?? '', [...args, '-s', 'default,16m', ...limit], port)
      return port
    },
  },
]

describeWhere(PROGRAMS.every(Boolean), ADVICE)('the recipes of PROXIES.md', () => {
  describe.each(PROXIES)('$name', ({ hasTimeLimit, start }) => {
    it('passes WebSockets and what leaving pages send, and leaves other paths to the site', async () => {
      const { port: relay } = await startRelay({ ...SETTINGS, trustProxy: 1 })
      const port = await start(relay)
      const page = await connect(`ws://127.0.0.1:${port}${BASE}/signals`, { origin: 'https://example.com' })
      await page.next('joined')
      const id = pageId()
      const body = JSON.stringify({ v: 1, tab: pageId(), signals: [{ id, signal: 'Saved' }] })
      const headers = { Origin: 'https://example.com', 'Content-Type': 'text/plain' }
      const farewell = await fetchFrom(port, `${BASE}/signals`, { method: 'POST', headers, body })
      const stranger = await fetchFrom(port, `${BASE}/signals`, {
        headers: { ...UPGRADE, Origin: 'https://evil.example' },
      })
      const others = await Promise.all(
        ['/', '/health', '/signals', '/signalpostx'].map((path) => fetchFrom(port, path)),
      )
      expect([farewell.status, JSON.parse(farewell.body)]).toEqual([200, { accepted: [id], refused: [] }])
      expect(await page.next('signal')).toMatchObject({ signal: 'Saved' })
      expect(stranger.status).toBe(403)
      expect(others.filter(({ body: text }) => text.includes('signalpost') || text.includes('"status"'))).toEqual([])
      expect(others[0]?.status).toBe(200)
    })

    it('gives the relay the address of the visitor last, whatever the visitor claims', async () => {
      const server = await startSilentServer()
      const port = await start(server.port)
      const question = { from: '127.0.0.3', headers: { 'X-Forwarded-For': '10.9.8.7' } }
      await fetchFrom(port, `${BASE}/signals`, { ...question, headers: { ...question.headers, ...UPGRADE } })
      await fetchFrom(port, `${BASE}/signals`, { ...question, method: 'POST', body: '{}' })
      expect(lastAddresses(server)).toEqual(['127.0.0.3', '127.0.0.3'])
    })

    it('keeps a connection that only the heartbeat uses, beyond its time limit', async () => {
      const { port: relay } = await startRelay({ ...SETTINGS, beat: BEAT })
      const silent = await startSilentServer()
      const port = await start(relay, true)
      const page = await connect(`ws://127.0.0.1:${port}${BASE}/signals`, { origin: 'https://example.com' })
      for (let count = 0; count < BEATS; count += 1) await page.next('beat')
      expect(page.socket.readyState).toBe(WebSocket.OPEN)
      if (!hasTimeLimit) return
      const silentPage = await openSocket(await start(silent.port, true))
      await once(silentPage, 'close')
    })
  })
})

describeWhere(APACHE, ADVICE)('the paths of Apache', () => {
  it('keep what is for backends and operators from visitors', async () => {
    const { port: relay } = await startRelay(SETTINGS)
    const { port } = await startApache(relay)
    const ask = (path: string, from: string): Promise<number> =>
      fetchFrom(port, `${BASE}/${path}`, { from }).then(({ status }) => status)
    const paths = ['publish', 'revoke', 'health', 'ready', 'metrics', '']
    const statuses = await Promise.all(paths.map((path) => ask(path, '127.0.0.2')))
    const dashboard = await fetchFrom(port, `${BASE}/dashboard`, { from: '127.0.0.2' })
    expect([statuses, await ask('health', '127.0.0.1')]).toEqual([paths.map(() => 403), 200])
    expect(dashboard.body).toContain('--dashboard-key')
  })
})

describeWhere(APACHE, ADVICE)('the workers of Apache', () => {
  it('are held by WebSockets: the site waits when none is left, and answers when a page closes', async () => {
    const server = await startSilentServer()
    const few =
      'ServerLimit 1\nStartServers 1\nThreadLimit 4\nThreadsPerChild 4\nMaxRequestWorkers 4\nMinSpareThreads 1\nMaxSpareThreads 4'
    const apache = await startApache(server.port, readKit('apache.conf'), few)
    const pages = await Promise.all(Array.from({ length: 4 }, () => openSocket(apache.port)))
    let hasAnswered = false
    const site = fetchFrom(apache.port, '/').then(({ body }) => {
      hasAnswered = true
      return body
    })
    const isReported = (): boolean => readFileSync(apache.errors, 'utf8').includes('server reached MaxRequestWorkers')
    await vi.waitUntil(isReported, PATIENCE)
    const hadAnswered = hasAnswered
    pages[0]?.terminate()
    expect([hadAnswered, await site]).toEqual([false, 'the site'])
  })

  it('reach a relay that was away as soon as it is back', async () => {
    const relay = await findFreePort()
    const apache = await startApache(relay)
    const away = await fetchFrom(apache.port, `${BASE}/signals`, { headers: UPGRADE })
    await startRelay({ ...SETTINGS, port: relay })
    const back = await fetchFrom(apache.port, `${BASE}/signals`, { headers: UPGRADE })
    expect([away.status, back.status]).toEqual([503, 101])
  })

  it('reach one of two relays while the other one is away', async () => {
    const [first, second] = [await findFreePort(), await findFreePort()]
    const kit = replaceProxyPass(find('BalancerMember')).replaceAll('127.0.0.1:8082', `127.0.0.1:${second}`)
    const apache = await startApache(first, kit, '', BALANCER)
    const { relay } = await startRelay({ ...SETTINGS, port: first })
    const ask = async (): Promise<unknown[]> => {
      const statuses = []
      for (let count = 0; count < 6; count += 1) {
        statuses.push((await fetchFrom(apache.port, `${BASE}/signals`, { headers: UPGRADE })).status)
      }
      return statuses
    }
    const withFirst = await ask()
    await startRelay({ ...SETTINGS, port: second })
    await relay.close()
    const withSecond = await ask()
    expect([withFirst, withSecond]).toEqual([Array(6).fill(101), Array(6).fill(101)])
  })

  it('are enough with the numbers of PROXIES.md for 2,000 pages', () => {
    const numbers = find('mpm_event_module')
    const valueOf = (name: string): number => Number(new RegExp(`\\b${name} +(\\d+)`).exec(numbers)?.[1])
    expect(valueOf('ServerLimit') * valueOf('ThreadsPerChild')).toBe(valueOf('MaxRequestWorkers'))
    expect(valueOf('ThreadsPerChild')).toBeLessThanOrEqual(valueOf('ThreadLimit'))
    expect(valueOf('MaxRequestWorkers')).toBeGreaterThan(2500)
  })
})

/** A recipe for Apache that contains a word. */
function find(word: string): string {
  const text = textsUnder(GUIDE, 'Apache', 'apache').find((recipe) => recipe.includes(word))
  if (text === undefined) throw new Error(`No recipe for Apache contains ${word}.`)
  return text
}

/** The file of the kit with other lines in place of its ProxyPass. */
function replaceProxyPass(lines: string): string {
  const kit = readKit('apache.conf')
  if (!/^ProxyPass .*$/m.test(kit)) throw new Error('apache.conf has no ProxyPass.')
  return kit.replace(/^ProxyPass .*$/m, () => lines)
}

function lastAddresses({ headers }: SilentServer): (string | undefined)[] {
  return headers
    .filter(({ 'x-forwarded-for': forwarded }) => forwarded !== undefined)
    .map(({ 'x-forwarded-for': forwarded }) => String(forwarded).split(',').at(-1)?.trim())
}

async function openSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${BASE}/signals`)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  socket.on('error', () => {})
  return socket
}

/** The recipe of a section with the relay's port, and a folder for the proxy. */
async function prepare(heading: string, language: string, relay: number) {
  const folder = await makeFolder()
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'index.html'), 'the site')
  const [text = ''] = textsUnder(GUIDE, heading, language)
  const recipe = text.replaceAll(/808[12]/g, String(relay)).replaceAll('/var/www/html', folder)
  return { folder, port: await findFreePort(), recipe }
}
