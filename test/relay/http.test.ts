import { connect as connectTcp } from 'node:net'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { join, pageId, startRelay } from './protocol-client.js'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const ORIGIN = 'http://localhost:8080'

async function setup(options: RelayOptions = {}) {
  const started = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }], ...options })
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${started.page}${path}`, { method: 'POST', body: text, headers })
    const answer: { ids?: string[]; error?: { code: string; text: string } } = await response.json()
    return { status: response.status, headers: response.headers, answer }
  }
  const publish = (body: unknown, headers: Record<string, string> = {}) =>
    post('publish', body, { Authorization: 'Bearer s3cret', ...JSON_TYPE, ...headers })
  const farewell = (body: unknown, headers: Record<string, string> = {}) =>
    post('signals', body, { 'Content-Type': 'text/plain;charset=UTF-8', Origin: ORIGIN, ...headers })
  return { ...started, post, publish, farewell }
}

describe('publish', () => {
  it('P11.1 needs the secret of a key, and says so', async () => {
    const { post } = await setup()
    const none = await setup({ publishKey: [] })
    const missing = await post('publish', { signal: 'Saved' }, JSON_TYPE)
    const wrong = await post('publish', { signal: 'Saved' }, { Authorization: 'Bearer wrong', ...JSON_TYPE })
    const basic = await post('publish', { signal: 'Saved' }, { Authorization: 'Basic s3cret', ...JSON_TYPE })
    const noKeys = await none.publish({ signal: 'Saved' })
    expect([missing, wrong, basic, noKeys].map(({ status }) => status)).toEqual([401, 401, 401, 403])
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer')
    expect(wrong.answer.error?.text).toContain('--publish-key')
    expect(noKeys.answer.error?.text).toContain('--publish-key')
  })

  it('P11.2 takes JSON only, and tells browsers nothing', async () => {
    const { publish, page } = await setup()
    const plain = await publish({ signal: 'Saved' }, { 'Content-Type': 'text/plain', Origin: ORIGIN })
    const good = await publish(
      { signal: 'Saved' },
      { 'Content-Type': 'application/json; charset=utf-8', Origin: ORIGIN },
    )
    const preflight = await fetch(`${page}publish`, { method: 'OPTIONS', headers: { Origin: ORIGIN } })
    expect([plain.status, good.status, preflight.status]).toEqual([415, 200, 405])
    for (const { headers } of [plain, good, preflight]) expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('P11.3, P11.5 and P11.6 logs a list in order, with ids and a sender of the key', async () => {
    const { publish, url } = await setup()
    const page = await join(url, 'main', 'news')
    const list = [{ signal: 'One', data: 1 }, { signal: 'Two', room: 'news' }, { signal: 'Three' }]
    const { status, answer } = await publish(list, { 'Idempotency-Key': 'order-5' })
    const heard = await page.heard(3)
    expect(status).toBe(200)
    expect(answer.ids).toEqual(['shop:order-5', 'shop:order-5.1', 'shop:order-5.2'])
    expect(heard.map(({ signal, room, id, sender }) => [signal, room, id, sender])).toEqual([
      ['One', 'main', 'shop:order-5', { server: 'shop' }],
      ['Two', 'news', 'shop:order-5.1', { server: 'shop' }],
      ['Three', 'main', 'shop:order-5.2', { server: 'shop' }],
    ])
  })

  it('P11.3 logs nothing of a list in which one is wrong', async () => {
    const { publish, url } = await setup()
    const page = await join(url)
    const { status, answer } = await publish([{ signal: 'One' }, { signal: '*' }])
    await publish({ signal: 'After' })
    expect(status).toBe(400)
    expect(answer.error).toMatchObject({ code: 'bad-name', text: expect.stringMatching(/^Signal 2 of 2: /) })
    expect((await page.heard(1)).map(({ signal }) => signal)).toEqual(['After'])
  })

  it('P11.4 makes a repetition harmless, and refuses another body under the same key', async () => {
    const { publish, url } = await setup()
    const page = await join(url)
    const key = { 'Idempotency-Key': 'abc' }
    const first = await publish({ signal: 'Saved', data: { a: 1 } }, key)
    const again = await publish('{ "data": {"a":1},  "signal": "Saved" }', key)
    const other = await publish({ signal: 'Saved', data: { a: 2 } }, key)
    const elsewhere = await publish({ signal: 'Saved', data: { a: 1 }, room: 'news' }, key)
    const list = await publish([{ signal: 'Saved', data: { a: 1 } }, { signal: 'More' }], key)
    const free = [await publish({ signal: 'Free' }), await publish({ signal: 'Free' })]
    const heard = await page.heard(3)
    expect(again).toMatchObject({ status: 200, answer: first.answer })
    expect([other, elsewhere, list].map(({ status, answer }) => `${status} ${answer.error?.code}`)).toEqual(
      Array(3).fill('409 conflict'),
    )
    expect(free[0]?.answer.ids).not.toEqual(free[1]?.answer.ids)
    expect(heard.map(({ signal }) => signal)).toEqual(['Saved', 'Free', 'Free'])
  })

  it.each([
    ['not json', 'bad-json'],
    ['[],"x":1', 'bad-json'],
    ['', 'bad-json'],
    ['5', 'bad-data'],
    ['null', 'bad-data'],
    ['[]', 'bad-data'],
    ['[5]', 'bad-data'],
    ['{}', 'bad-data'],
    ['{"signal":5}', 'bad-data'],
    ['{"signal":"Saved","room":5}', 'bad-data'],
    ['{"signal":"__proto__"}', 'bad-name'],
    ['{"signal":"Saved","room":"a}b{c"}', 'bad-name'],
    [`{"signal":"Saved","data":${'['.repeat(33)}${']'.repeat(33)}}`, 'bad-data'],
  ])('P11.7 answers 400 to %s', async (body, code) => {
    const { publish } = await setup()
    const { status, answer } = await publish(body)
    expect(status).toBe(400)
    expect(answer.error).toEqual({ code, text: expect.stringMatching(/\.$/) })
  })

  it('P11.7 answers 400 to a bad key, 405 to another method, 413 to too much, 503 when the log is away', async () => {
    const log = createMemoryLog()
    const { publish, page } = await setup()
    const broken = await setup({ log: { ...log, append: () => Promise.reject(new Error('away')) }, retryFor: 1 })
    const badKey = await publish({ signal: 'Saved' }, { 'Idempotency-Key': 'a b' })
    const wrongMethod = await fetch(`${page}publish`)
    const fits = await publish({ signal: 'Big', data: 'x'.repeat(65_536 - 26) })
    const tooLarge = await publish({ signal: 'Big', data: 'x'.repeat(65_536 - 25) })
    const announced = await publish({ signal: 'Big', data: 'x'.repeat(1_000_000) }).catch(() => undefined)
    const away = await broken.publish({ signal: 'Saved' })
    expect([badKey.status, wrongMethod.status, fits.status, tooLarge.status, away.status]).toEqual([
      400, 405, 200, 413, 503,
    ])
    // A client that keeps sending may find the connection closed before it reads the answer.
    expect([413, undefined]).toContain(announced?.status)
    expect(away.headers.get('retry-after')).toBe('5')
  })

  it('drops prototypes and keeps the rest of the data', async () => {
    const { publish, url } = await setup()
    const page = await join(url)
    await publish('[{"signal":"Saved","data":{"__proto__":{"admin":true},"\\u005f_proto__":1,"kept":1}}]')
    expect(await page.heard(1)).toMatchObject([{ data: { kept: 1 } }])
    expect(JSON.stringify(page.frames)).not.toContain('proto')
  })
})

describe('farewell', () => {
  it('P10.1 logs what it may, and says what it did with each', async () => {
    const { farewell, url } = await setup()
    const page = await join(url)
    const [good, known] = [pageId(), pageId()]
    page.say({ type: 'signal', id: known, signal: 'Saved', data: 'known' })
    await page.heard(1)
    const signals = [
      { id: known, signal: 'Saved', data: 'known' },
      { id: good, signal: 'Saved', data: 'new' },
      { id: 'forged:1', signal: 'Saved' },
      { id: pageId(), signal: '*' },
    ]
    const { status, answer } = await farewell({ v: 1, tab: page.secret, signals })
    const heard = await page.heard(2)
    expect(status).toBe(200)
    expect(answer).toMatchObject({
      accepted: [known, good],
      refused: [
        { id: 'forged:1', code: 'bad-data', text: expect.any(String) },
        { id: signals[3]?.id, code: 'bad-name', text: expect.any(String) },
      ],
    })
    expect(heard.map(({ data }) => data)).toEqual(['known', 'new'])
    expect(heard[1]?.sender).toEqual(heard[0]?.sender)
  })

  it('P10.2 judges origins, and answers the browser what it needs', async () => {
    const { farewell, post, page } = await setup()
    const body = { v: 1, tab: pageId(), signals: [] }
    const good = await farewell(body, JSON_TYPE)
    const evil = await farewell(body, { Origin: 'https://evil.example' })
    const none = await post('signals', body, { 'Content-Type': 'text/plain' })
    const preflight = await fetch(`${page}signals`, { method: 'OPTIONS', headers: { Origin: ORIGIN } })
    expect([good.status, evil.status, none.status, preflight.status]).toEqual([200, 403, 403, 204])
    expect(good.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type')
    expect(evil.headers.get('access-control-allow-origin')).toBeNull()
  })

  it.each([
    {},
    { v: 2, tab: 'AAAAAAAAAAAAAAAAAAAAAA', signals: [] },
    { v: 1, tab: 'short', signals: [] },
    { v: 1, tab: 'AAAAAAAAAAAAAAAAAAAAAA' },
    { v: 1, tab: 'AAAAAAAAAAAAAAAAAAAAAA', signals: [5] },
    { v: 1, tab: 'AAAAAAAAAAAAAAAAAAAAAA', signals: [], token: 5 },
    [],
    5,
    null,
  ])('P10.3 answers 400 to %j', async (body) => {
    const { farewell } = await setup()
    expect((await farewell(body)).status).toBe(400)
  })

  it('P10.3 answers 401 without a good token, 413 to too much, 415 to another type, 503 when the log is away', async () => {
    const log = createMemoryLog()
    const guarded = await setup({ authorize: (token) => (token === 'good' ? { user: 'ann' } : undefined) })
    const broken = await setup({ log: { ...log, append: () => Promise.reject(new Error('away')) }, retryFor: 1 })
    const body = { v: 1, tab: pageId(), signals: [{ id: pageId(), signal: 'Saved' }] }
    const missing = await guarded.farewell(body)
    const good = await guarded.farewell({ ...body, token: 'good' })
    const large = await guarded.farewell({ ...body, extra: 'x'.repeat(82_000) })
    const form = await guarded.farewell(body, { 'Content-Type': 'application/x-www-form-urlencoded' })
    const away = await broken.farewell(body)
    expect([missing, good, large, form, away].map(({ status }) => status)).toEqual([401, 200, 413, 415, 503])
    expect(missing.headers.get('access-control-allow-origin')).toBe(ORIGIN)
  })
})

describe('other requests', () => {
  it('tell how the relay is', async () => {
    const { page, url } = await setup()
    await join(url, 'a', 'b')
    const response = await fetch(`${page}health`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      status: 'ok',
      uptime: expect.any(Number),
      connections: 1,
      sockets: 1,
      rooms: 2,
    })
  })

  it('get the test page and its script from two folders, with a strict policy', async () => {
    const folder = await mkdtemp(joinPath(tmpdir(), 'relay-pages-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await mkdir(joinPath(folder, 'pages', 'img'), { recursive: true })
    await mkdir(joinPath(folder, 'assets'))
    await writeFile(joinPath(folder, 'secret.js'), 'secret')
    await writeFile(joinPath(folder, 'pages', 'index.html'), '<title>Test</title>')
    await writeFile(joinPath(folder, 'pages', 'page.css'), 'a{}')
    await writeFile(joinPath(folder, 'pages', 'notes.txt'), 'private')
    await writeFile(joinPath(folder, 'pages', '.hidden.js'), 'hidden')
    await writeFile(joinPath(folder, 'pages', 'img', 'a.svg'), '<svg/>')
    await writeFile(joinPath(folder, 'assets', 'signalpost.min.js'), 'code')
    await writeFile(joinPath(folder, 'assets', 'other.js'), 'other')
    const { port, page } = await setup({ pages: joinPath(folder, 'pages'), assets: joinPath(folder, 'assets') })
    const index = await fetch(page)
    const script = await fetch(`${page}signalpost.min.js?v=1`)
    const image = await fetch(`${page}img/a.svg`)
    const style = await fetch(`${page}page.css`, { method: 'HEAD' })
    const missing = ['/other.js', '/notes.txt', '/.hidden.js', '/../secret.js', '/%2e%2e/secret.js', '/..%2fsecret.js']
    const sneaky = ['/..%5csecret.js', '/img/../../secret.js', '//etc/passwd', '/%00.js', '/%zz.js', '/img', '/img/']
    const answers = await Promise.all([...missing, ...sneaky].map((path) => raw(port, path)))
    expect([await index.text(), index.headers.get('content-type')]).toEqual([
      '<title>Test</title>',
      'text/html; charset=utf-8',
    ])
    expect([await script.text(), script.headers.get('content-type')]).toEqual([
      'code',
      'text/javascript; charset=utf-8',
    ])
    expect([image.headers.get('content-type'), style.headers.get('content-type')]).toEqual([
      'image/svg+xml',
      'text/css; charset=utf-8',
    ])
    expect(index.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; " +
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(index.headers.get('x-content-type-options')).toBe('nosniff')
    expect(index.headers.get('cache-control')).toBe('no-store')
    expect(answers.map((answer) => answer.split(' ')[1])).toEqual(Array(missing.length + sneaky.length).fill('404'))
  })

  it('are told what to do when the page is not built, when they want the WebSocket, and when nothing is there', async () => {
    const { page } = await setup({ pages: '/nowhere', assets: '/nowhere' })
    const text = async (path: string, init: RequestInit = {}): Promise<[number, string]> => {
      const response = await fetch(`${page}${path}`, { headers: { Origin: ORIGIN }, ...init })
      const { error }: { error: { text: string } } = await response.json()
      return [response.status, error.text]
    }
    expect(await text('')).toEqual([404, expect.stringContaining('npm run build')])
    expect(await text('signals')).toEqual([426, expect.stringContaining('ws://')])
    expect(await text('nothing')).toEqual([404, expect.stringContaining('/')])
    expect(await text('', { method: 'DELETE' })).toEqual([405, 'Use GET here.'])
  })

  it('that are turned away do not stay, even when the other side never closes', async () => {
    const { port } = await setup()
    const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
    const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
    socket.resume()
    socket.write(
      'GET /signals HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await new Promise((resolve) => socket.once('end', resolve))
    // A write into a connection that the other side has dropped comes back as an error.
    const writing = setInterval(() => socket.write('x'), 20)
    await closed
    clearInterval(writing)
    expect(socket.destroyed).toBe(true)
  })

  it('for a WebSocket elsewhere get 404', async () => {
    const { port } = await setup()
    const headers = 'Host: localhost\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\nUpgrade: websocket'
    expect(await exchange(port, `GET /elsewhere HTTP/1.1\r\n${headers}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('connections that say nothing, or say it slowly', () => {
  it('are closed', async () => {
    const { port } = await setup({ helloTimeout: 50 })
    const [silent, slow] = await Promise.all([exchange(port, ''), exchange(port, 'GET / HTTP/1.1\r\nHost: loc')])
    expect([silent, slow.split('\r\n')[0]]).toEqual(['', expect.stringMatching(/^(|HTTP\/1\.1 408 Request Timeout)$/)])
  })
})

/** Asks for a path exactly as it is written. */
function raw(port: number, path: string): Promise<string> {
  return exchange(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
}

/** Sends a text, and gives everything that comes until the other side ends. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (bytes) => (answer += bytes.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(text)
  })
}
