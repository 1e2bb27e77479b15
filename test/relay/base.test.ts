import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { connect, join, pageId, startRelay } from './protocol-client.js'
import { knock } from './security.js'

const KEY = 'the-key-of-the-operator'
const FOLDER = new URL('../../examples/relay/admin/dashboard/', import.meta.url)
const PARTS = {
  base: '/apps/signalpost',
  dashboardKey: KEY,
  publishKey: [{ name: 'shop', secret: 's3cret' }],
  revokeKey: ['a-key-for-revoking'],
  dashboard: FOLDER.pathname,
  pages: new URL('../../examples/playground/', import.meta.url).pathname,
}
const json = { 'Content-Type': 'application/json' }

/** Asks for a path exactly as it is written, and follows no redirect. */
async function ask(port: number, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...init })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

describe('--base', () => {
  it('is in front of every path, that of the WebSocket included', async () => {
    const { port, url, page } = await startRelay(PARTS)
    const { base } = PARTS
    const client = await join(url)
    const tell = (path: string, body: string, headers: Record<string, string>) =>
      ask(port, path, { method: 'POST', body, headers: { ...json, ...headers } })
    const farewell = JSON.stringify({ v: 1, tab: pageId(), signals: [{ id: pageId(), signal: 'Left' }] })
    const all = [
      await ask(port, `${base}/`),
      await ask(port, `${base}/playground.js?v=1`),
      await ask(port, `${base}/health`),
      await ask(port, `${base}/ready`),
      await ask(port, `${base}/metrics`, { headers: { Authorization: `Bearer ${KEY}` } }),
      await ask(port, `${base}/dashboard`),
      await ask(port, `${base}/dashboard/dashboard.js`),
      await tell(`${base}/publish`, '{"signal":"Saved"}', { Authorization: 'Bearer s3cret' }),
      await tell(`${base}/revoke`, '{"user":"ann"}', { Authorization: 'Bearer a-key-for-revoking' }),
      await tell(`${base}/signals`, farewell, { Origin: 'http://localhost' }),
    ]
    expect(all.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect((await client.heard(2)).map(({ signal }) => signal)).toEqual(['Saved', 'Left'])
    expect([url, page]).toEqual([`ws://127.0.0.1:${port}${base}/signals`, `http://127.0.0.1:${port}${base}/`])
  })

  it('leaves all other paths to the site', async () => {
    const { port } = await startRelay(PARTS)
    const own = [
      '/',
      '/health',
      '/ready',
      '/metrics',
      '/dashboard',
      '/publish',
      '/signals',
      '/apps',
      '/apps/signalposts',
    ]
    const answers = await Promise.all(own.map((path) => ask(port, path, { headers: { Origin: 'http://localhost' } })))
    const posted = await ask(port, '/publish', { method: 'POST', headers: { Authorization: 'Bearer s3cret', ...json } })
    const upgraded = await Promise.all(['/signals', '/apps/signalpost'].map((path) => knock(port, {}, path)))
    expect(answers.map(({ status }) => status)).toEqual(Array(own.length).fill(404))
    expect([posted.status, ...upgraded.map(({ status }) => status)]).toEqual([404, 404, 404])
    expect(answers[0]?.text).toContain('answers below /apps/signalpost, which --base sets')
  })

  it('without its slash leads to the test page, and the dashboard with one to the dashboard', async () => {
    const { port } = await startRelay(PARTS)
    const { base } = PARTS
    const answers = [await ask(port, base), await ask(port, `${base}/dashboard/`)]
    const locations = answers.map(({ headers }) => headers.get('location') ?? '')
    expect(answers.map(({ status }) => status)).toEqual([303, 303])
    expect(
      locations.map((location, index) => new URL(location, `http://a${[base, `${base}/dashboard/`][index]}`).pathname),
    ).toEqual([`${base}/`, `${base}/dashboard`])
  })

  it('may be one that a proxy removes: every link, redirect and cookie is relative', async () => {
    const relay = await startRelay({ ...PARTS, base: '' })
    const port = await startStrippingProxy('/tools/live', relay.port)
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const logIn = (key: string) =>
      ask(port, '/tools/live/dashboard/login', { method: 'POST', body: `key=${key}`, headers: form })
    const [page, wrong, right] = [await ask(port, '/tools/live/dashboard'), await logIn('wrong'), await logIn(KEY)]
    const linked = (text: string, from: string) =>
      [...text.matchAll(/(?:href|src|action)="(?!data:)([^"]+)"/g)].map(
        ([, link]) => new URL(`${link}`, `http://a${from}`).pathname,
      )
    const wanted = ['/tools/live/dashboard/dashboard.css', '/tools/live/dashboard/login']
    expect(linked(page.text, '/tools/live/dashboard')).toEqual(wanted)
    expect([wrong.status, linked(wrong.text, '/tools/live/dashboard/login')]).toEqual([403, wanted])
    expect([right.status, right.headers.get('location')]).toEqual([303, '../dashboard'])
    expect(right.headers.get('set-cookie')).not.toMatch(/path/i)
    const index = await readFile(new URL('index.html', FOLDER), 'utf8')
    const own = linked(index, '/tools/live/dashboard')
    expect(own.filter((path) => !path.startsWith('/tools/live/dashboard/'))).toEqual([])
    const visitor = await connect(`ws://127.0.0.1:${port}/tools/live/signals`)
    expect((await visitor.next('joined')).room).toBe('main')
  })

  it.each(['signalpost', '/signalpost/', '/', '//a', '/a/../b', '/a b', '/a?b'])('refuses %s', (base) => {
    const command = readCommand(['relay', '--base', base], {}, '')
    expect(command).toMatchObject({
      run: 'fail',
      text: expect.stringContaining('--base must be a path like /signalpost'),
    })
  })
})

/** A proxy that removes a prefix, as Traefik and Kubernetes do. */
async function startStrippingProxy(prefix: string, target: number): Promise<number> {
  const forward = ({ method, url = '', headers }: IncomingMessage) =>
    request({ port: target, host: '127.0.0.1', method, path: url.slice(prefix.length), headers, agent: false })
  const proxy = createServer((incoming, answer) => {
    const onward = forward(incoming)
    onward.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    incoming.pipe(onward)
  })
  proxy.on('upgrade', (incoming, socket) => {
    const onward = forward(incoming)
    onward.on('upgrade', ({ rawHeaders }, upstream) => {
      const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []))
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
      upstream.pipe(socket).pipe(upstream)
      for (const each of [socket, upstream]) each.on('error', () => {})
    })
    onward.end()
  })
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return (proxy.address() as AddressInfo).port
}
