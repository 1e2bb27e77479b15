import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { runScriptTag } from '../../src/html/script-tag.js'
import { bindHtml } from '../../src/html/index.js'
import { getPageClient } from '../../src/index.js'
import { pass, RELAY_URL } from '../support/mock-relay.js'
import { usePage } from './page.js'

const { connect, relay } = usePage()

const KEY = Symbol.for('signalpost:client')
const FALLBACK = new URL('../../src/fallback/fallback.ts', import.meta.url).href

let warned: MockInstance<typeof console.warn>

beforeEach(() => {
  warned = vi.spyOn(console, 'warn').mockReturnValue()
})

afterEach(() => {
  // The tag looks once more for a client.
  vi.advanceTimersByTime(5000)
  getPageClient()?.close()
  // The same root twice is one binding: this is the script tag's own stop.
  bindHtml()()
  document.head.innerHTML = ''
  Reflect.deleteProperty(globalThis, 'sendSignal')
  Reflect.deleteProperty(globalThis, 'receiveSignal')
})

function tag(attributes: string): HTMLScriptElement {
  document.head.innerHTML = `<script type="text/plain" ${attributes}></script>`
  const script = document.head.querySelector('script')
  if (!script) throw new Error('There is no script.')
  return script
}

/** Asking for the client would make it. */
const hasClient = (): boolean => Boolean((globalThis as { [KEY]?: { client?: unknown } })[KEY]?.client)

const state = (): string | undefined => document.documentElement.dataset.signalState

it('connects to the address of data-url, and shows the state', async () => {
  runScriptTag(tag(`data-url="${RELAY_URL}"`))
  await pass()
  expect([getPageClient()?.status.state, state()]).toEqual(['online', 'online'])
})

describe('on a page that is still being parsed', () => {
  beforeEach(() => void vi.spyOn(Object.getPrototypeOf(document), 'readyState', 'get').mockReturnValue('loading'))

  it('dials, and makes its client when the connection is open', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    await Promise.resolve()
    const before = [hasClient(), state()]
    await pass()
    expect([before, hasClient(), state(), relay().sockets.length]).toEqual([[false, undefined], true, 'online', 1])
  })

  it('makes its client as soon as the page asks for it', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    expect(getPageClient()?.status.state).toBe('connecting')
    await pass()
    expect([state(), relay().sockets.length]).toEqual(['online', 1])
  })

  it('closes its connection at once when the page closes its client (G11)', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    await Promise.resolve()
    const close = vi.spyOn(WebSocket.prototype, 'close')
    getPageClient()?.close()
    expect(close).toHaveBeenCalledOnce()
    await pass()
    expect([relay().sent('hello'), hasClient()]).toEqual([[], false])
  })

  it('makes its client when the relay is away, and connects later', async () => {
    relay().stop()
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    await pass()
    expect([hasClient(), state()]).toEqual([true, 'waiting'])
  })

  it('makes its client, and connects, when the file of data-fallback is loaded', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}" data-fallback="${FALLBACK}"`))
    const before = [hasClient(), state()]
    await vi.waitFor(() => expect(state()).toBe('online'))
    expect([before, hasClient(), relay().sockets.length]).toEqual([[false, undefined], true, 1])
  })

  it('makes its client when the page is parsed, though nothing answers', async () => {
    vi.stubGlobal(
      'WebSocket',
      class extends EventTarget {
        readonly readyState = 0
        readonly close = (): void => undefined
      },
    )
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    await pass()
    const before = hasClient()
    globalThis.dispatchEvent(new Event('DOMContentLoaded'))
    await pass()
    expect([before, hasClient(), state()]).toEqual([false, true, 'connecting'])
  })
})

describe('follows the attributes of the page', () => {
  it('in a later task, so that the rest of the page does not wait for it', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    expect(state()).toBeUndefined()
    await pass()
    expect(state()).toBe('online')
  })

  it('at once when the user, or a script, clicks before that task', async () => {
    document.body.innerHTML = '<button data-signal-send="A">Send</button>'
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    document.querySelector('button')?.click()
    expect(state()).toBe('connecting')
    await pass()
    expect(relay().sent('signal')).toMatchObject([{ signal: 'A' }])
  })

  it('by the options of the tag, though the page calls bindHtml() before that task', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    const stop = bindHtml({ onError: () => expect.unreachable() })
    expect(bindHtml()).toBe(stop)
    await pass()
    expect(state()).toBe('online')
  })

  it.each([
    ['', undefined],
    ['<meta name="signalpost-token" content="first">', 'first'],
  ])('when the page is left before that task, and sends its meta elements, once, after %j', async (meta, token) => {
    const posted = vi.fn(async (_url: string, _init: RequestInit) => new Response())
    vi.stubGlobal('fetch', posted)
    const script = tag(`data-url="${RELAY_URL}"`)
    document.head.insertAdjacentHTML('beforeend', `${meta}<meta data-signal-send="Saved" data-signal-data="7">`)
    runScriptTag(script)
    globalThis.dispatchEvent(new Event('pagehide'))
    const [, init] = posted.mock.calls[0] ?? []
    expect([posted.mock.calls.length, init?.keepalive, getPageClient()?.status.state]).toEqual([1, true, 'suspended'])
    const body = JSON.parse(init?.body as string) as unknown
    expect(body).toMatchObject({ ...(token && { token }), signals: [{ signal: 'Saved', data: 7 }] })
    expect(JSON.stringify({ ...sessionStorage })).toContain('Saved')
    sessionStorage.clear()
  })

  it('not when the page is left before that task without such elements', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    globalThis.dispatchEvent(new Event('pagehide'))
    expect([hasClient(), state()]).toEqual([false, undefined])
    await pass()
    expect(state()).toBe('online')
  })

  it('never, if the page stops it before that task', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}"`))
    bindHtml()()
    await pass()
    expect([getPageClient()?.status.state, state()]).toEqual(['online', undefined])
  })
})

it('takes the texts of the hint, and the spread of refreshes, from the tag', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 500 })))
  document.body.innerHTML = '<p id="report" data-signal-refresh="A"></p>'
  runScriptTag(
    tag(`data-url="${RELAY_URL}" data-spread="1000" data-text-failed="Kaputt." data-text-retry="Noch einmal"`),
  )
  vi.spyOn(globalThis, 'queueMicrotask').mockReturnValue()
  await pass()
  relay().deliver('A')
  await pass(640)
  expect(document.querySelector('signalpost-notice')).toBeNull()
  await pass(200)
  expect(document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('.hint')?.textContent).toBe(
    'Kaputt.Noch einmal',
  )
})

it('connects to the address of the meta element where data-url is empty', async () => {
  const script = tag('data-url')
  document.head.insertAdjacentHTML('beforeend', `<meta name="signalpost-url" content="${RELAY_URL}">`)
  runScriptTag(script)
  await pass()
  expect(state()).toBe('online')
})

it.each([
  ['without data-url', ''],
  ['of another kind', 'data-src="/x"'],
])('%s waits for a client of the page', async (_what, attributes) => {
  runScriptTag(tag(attributes))
  await pass()
  expect([getPageClient(), state(), relay().sockets.length]).toEqual([undefined, undefined, 0])
  connect()
  await pass()
  expect([state(), relay().sockets.length]).toEqual(['online', 1])
})

it('waits for a client of the page where nobody knows the tag', () => {
  runScriptTag(null)
  expect(getPageClient()).toBeUndefined()
})

it('finds the tag with the address where the browser does not name it, as in module scripts', async () => {
  tag(`src="/signalpost.min.js" data-url="${RELAY_URL}"`)
  runScriptTag(null)
  await pass()
  expect(state()).toBe('online')
})

it('passes data-protocol to the client', async () => {
  runScriptTag(tag(`data-url="${RELAY_URL}" data-protocol="plain"`))
  await pass()
  expect([getPageClient()?.status.state, relay().sent('hello')]).toEqual(['online', []])
})

describe('with data-fallback', () => {
  it('connects through the file that the attribute names', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}" data-fallback="${FALLBACK}"`))
    await vi.waitFor(() => expect(state()).toBe('online'))
    expect(relay().sent('hello')).toHaveLength(1)
  })

  it('connects by WebSocket alone where the file is missing', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}" data-fallback="${FALLBACK}.missing"`))
    await vi.waitFor(() => expect(state()).toBe('online'))
    expect(relay().sent('hello')).toHaveLength(1)
  })

  it('opens no socket for a client that is closed before the file is there', async () => {
    runScriptTag(tag(`data-url="${RELAY_URL}" data-fallback="${FALLBACK}"`))
    getPageClient()?.close()
    await import('../../src/fallback/fallback.js')
    await pass(100)
    expect(relay().sockets).toEqual([])
  })
})

describe('after 5 seconds', () => {
  it('says that attributes have no client, once for the page', async () => {
    document.body.innerHTML = '<p id="report" data-signal-refresh="A"></p><p data-signal-status></p>'
    runScriptTag(tag(`data-uri="${RELAY_URL}"`))
    await pass(60_000)
    expect(warned.mock.calls).toEqual([[expect.stringContaining('put data-url on the script tag')]])
  })

  it.each([
    ['has a client', '<p id="report" data-signal-refresh="A"></p>', connect],
    ['has no attributes', '<p></p>', () => undefined],
  ])('says nothing where the page %s', async (_what, html, act) => {
    document.body.innerHTML = html
    runScriptTag(tag('data-globals'))
    act()
    await pass(60_000)
    expect(warned).not.toHaveBeenCalled()
  })

  it('says that a function of the page hides receiveSignal', async () => {
    runScriptTag(tag('data-globals'))
    Object.assign(globalThis, { receiveSignal: () => undefined })
    await pass(60_000)
    expect(warned.mock.calls).toEqual([[expect.stringContaining('hides receiveSignal()')]])
  })
})

it('leaves a client that the page has', async () => {
  const client = connect()
  runScriptTag(tag(`data-url="${RELAY_URL}"`))
  await pass()
  expect([getPageClient() === client, relay().sockets.length]).toEqual([true, 1])
})

it('makes sendSignal and receiveSignal global with data-globals, and only then', () => {
  runScriptTag(tag(''))
  expect('sendSignal' in globalThis || 'receiveSignal' in globalThis).toBe(false)
  runScriptTag(tag('data-globals'))
  expect(globalThis).toMatchObject({ sendSignal: expect.any(Function), receiveSignal: expect.any(Function) })
})

it('gives the token that the meta element has at the time of each connection', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const script = tag(`data-url="${RELAY_URL}"`)
  document.head.insertAdjacentHTML('beforeend', '<meta name="signalpost-token" content="first">')
  runScriptTag(script)
  await pass()
  document.querySelector('meta')?.setAttribute('content', 'second')
  relay().close(1006)
  await pass(2000)
  expect(
    relay()
      .sent('hello')
      .map(({ token }) => token),
  ).toEqual(['first', 'second'])
})

const tokens = (): unknown[] =>
  relay()
    .sent('hello')
    .map(({ token }) => token)

it('gives the token of the page first, and asks data-token-url for later ones', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const asked = vi.fn(async (_url: string, _init: RequestInit) => new Response(' fresh\n'))
  vi.stubGlobal('fetch', asked)
  const script = tag(`data-url="${RELAY_URL}" data-token-url="/token"`)
  document.head.insertAdjacentHTML('beforeend', '<meta name="signalpost-token" content="first">')
  runScriptTag(script)
  await pass()
  expect(asked).not.toHaveBeenCalled()
  relay().close(4401)
  await pass(2000)
  expect(tokens()).toEqual(['first', 'fresh'])
  expect(asked.mock.calls).toEqual([['/token', { cache: 'no-store' }]])
})

it.each([
  ['an error', () => new Response('no', { status: 500 })],
  ['a login page', () => Object.defineProperty(new Response('<form>'), 'redirected', { value: true })],
])('asks data-token-url again after %s, and connects then', async (_what, answer) => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const uncaught: unknown[] = []
  const listener = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', listener)
  const answers = [answer(), new Response('fresh')]
  vi.stubGlobal('fetch', async () => answers.shift())
  runScriptTag(tag(`data-url="${RELAY_URL}" data-token-url="/token"`))
  await pass(5000)
  process.off('uncaughtException', listener)
  expect(uncaught).toMatchObject([{ code: 'token-failed', cause: { message: expect.stringContaining('/token') } }])
  expect([tokens(), state()]).toEqual([['fresh'], 'online'])
})

it('gives no token where there is none', async () => {
  runScriptTag(tag(`data-url="${RELAY_URL}"`))
  await pass()
  expect(relay().sent('hello')[0]).not.toHaveProperty('token')
})

it.each([
  ['address', 'bad-url', 'data-url="ftp://relay.test/"'],
  ['address of the fallback', 'bad-option', `data-url="${RELAY_URL}" data-fallback`],
  ['address of the file for fetches', 'bad-option', `data-url="${RELAY_URL}" data-shared-fetch`],
  ['protocol', 'bad-option', `data-url="${RELAY_URL}" data-protocol="v0"`],
])('throws a wrong %s in a task of its own, and does the rest', async (_what, code, attributes) => {
  const uncaught: unknown[] = []
  const listener = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', listener)
  runScriptTag(tag(`${attributes} data-globals`))
  await pass()
  process.off('uncaughtException', listener)
  expect(uncaught).toMatchObject([{ code }])
  expect('sendSignal' in globalThis).toBe(true)
})
