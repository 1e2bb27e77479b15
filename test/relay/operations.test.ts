import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { createLogins } from '../../examples/relay/admin/login.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { connect, join, startRelay } from './protocol-client.js'

const KEY = 'the-key-of-the-operator'
const DASHBOARD = fileURLToPath(new URL('../../examples/relay/admin/dashboard', import.meta.url))
const BEARER = { Authorization: `Bearer ${KEY}` }

function start(options: RelayOptions = {}) {
  return startRelay({ dashboardKey: KEY, publishKey: [{ name: 'shop', secret: 's3cret' }], ...options })
}

/** The figures that Prometheus would get, by name and labels. */
async function figures(page: string): Promise<Record<string, number>> {
  const response = await fetch(`${page}metrics`, { headers: BEARER })
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

describe('/ready', () => {
  it('answers 200 while signals can be logged, and 503 while they cannot', async () => {
    const log = { ...createMemoryLog(), health: 'ready' as 'ready' | 'away' }
    const { page } = await start({ log })
    const before = await fetch(`${page}ready`)
    log.health = 'away'
    const away = await fetch(`${page}ready`)
    expect([before.status, await before.json()]).toEqual([200, { status: 'ready' }])
    expect([away.status, await away.json()]).toEqual([503, { status: 'log-away' }])
    expect((await fetch(`${page}health`)).status).toBe(200)
  })

  it('answers 503 while the relay drains', async () => {
    const { page, relay, url } = await start()
    const client = await join(url)
    // Keeps one request under way, so that its connection is still there.
    const agent = await fetch(`${page}ready`)
    const closing = relay.close()
    const answer = await fetch(`${page}ready`).then(
      ({ status }) => status,
      () => 'gone',
    )
    await client.closed
    await closing
    expect(agent.status).toBe(200)
    expect([503, 'gone']).toContain(answer)
  })
})

describe('/metrics', () => {
  it('is for the key only, and closed without one', async () => {
    const { page } = await start()
    const closed = await start({ dashboardKey: '' })
    const answers = [
      await fetch(`${page}metrics`),
      await fetch(`${page}metrics`, { headers: { Authorization: 'Bearer wrong' } }),
      await fetch(`${page}metrics`, { headers: BEARER }),
      await fetch(`${closed.page}metrics`, { headers: BEARER }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200, 404])
    expect(answers[2]?.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  })

  it('counts what happened', async () => {
    const { page, url } = await start({ history: 2 })
    const client = await join(url, 'main', 'news')
    await join(url)
    const id = client.signal('One')
    client.say({ type: 'signal', id, signal: 'One' })
    client.signal('*')
    for (const name of ['Two', 'Three']) client.signal(name)
    await fetch(`${page}publish`, {
      method: 'POST',
      headers: { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json' },
      body: '{"signal": "Four"}',
    })
    await client.heard(4)
    const late = await connect(url, { rooms: [{ room: 'main', since: { epoch: 'other', offset: 0 } }] })
    await late.heard(2)
    const stranger = await connect(url, { rooms: null })
    stranger.say({ type: 'ping' })
    await stranger.closed
    await connect(url, { origin: 'https://evil.example' }).catch(() => {})
    // The relay learns of a closed connection a little later than the client.
    const found = await vi.waitFor(async () => {
      const read = await figures(page)
      expect(read.signalpost_connections).toBe(3)
      return read
    })
    expect(found).toMatchObject({
      signalpost_rooms: 2,
      signalpost_log_ready: 1,
      signalpost_draining: 0,
      'signalpost_signals_in_total{from="page"}': 3,
      'signalpost_signals_in_total{from="backend"}': 1,
      signalpost_duplicates_total: 1,
      signalpost_signals_out_total: 10,
      signalpost_replays_total: 1,
      'signalpost_gaps_total{reason="epoch"}': 1,
      'signalpost_gaps_total{reason="trimmed"}': 0,
      signalpost_slow_consumers_total: 0,
      'signalpost_closes_total{code="4400"}': 1,
      'signalpost_refusals_total{reason="bad-name"}': 1,
      'signalpost_refusals_total{reason="origin"}': 1,
      'signalpost_refusals_total{reason="close-4400"}': 1,
    })
    expect(found.process_resident_memory_bytes).toBeGreaterThan(1e7)
    expect(found.signalpost_event_loop_delay_max_seconds).toBeGreaterThanOrEqual(0)
  })

  it('tells the same delay of the event loop to everybody who asks', async () => {
    const { page } = await start()
    await vi.waitFor(async () => {
      const end = performance.now() + 300
      while (performance.now() < end);
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect((await figures(page)).signalpost_event_loop_delay_max_seconds).toBeGreaterThan(0.2)
    })
    const others = [await figures(page), await figures(page)]
    expect(others.map((read) => (read.signalpost_event_loop_delay_max_seconds ?? 0) > 0.2)).toEqual([true, true])
  })

  it('gives one start of the process, because Prometheus counts each change as a restart', async () => {
    const { page } = await start()
    const starts = new Set<unknown>()
    for (let count = 0; count < 20; count += 1) starts.add((await figures(page)).process_start_time_seconds)
    expect(starts.size).toBe(1)
  })

  it('is in the format of Prometheus: a help, a type, a value', async () => {
    const { page } = await start()
    const text = await (await fetch(`${page}metrics`, { headers: BEARER })).text()
    const [help, type, value] = text.split('\n')
    expect([help, type, value]).toEqual([
      '# HELP signalpost_connections Current connections.',
      '# TYPE signalpost_connections gauge',
      'signalpost_connections 0',
    ])
  })

  it('measures nothing when nobody can see it', async () => {
    const intervals = vi.spyOn(globalThis, 'setInterval')
    await start({ dashboardKey: '' })
    const without = intervals.mock.calls.length
    await start()
    expect([without, intervals.mock.calls.length - without]).toEqual([2, 4])
    intervals.mockRestore()
  })
})

describe('the login of the operators', () => {
  function setup() {
    let time = 0
    const logins = createLogins({ key: KEY, now: () => time, clock: () => 1_000_000 + time })
    return { door: logins, pass: (milliseconds: number) => (time += milliseconds) }
  }

  it('opens to the key, and to nothing else', () => {
    const { door: logins } = setup()
    const results = [KEY, `${KEY}x`, KEY.slice(1), '', undefined].map((secret) => logins.logIn(secret, 'here').status)
    expect(results).toEqual(['ok', 'denied', 'denied', 'denied', 'denied'])
  })

  it('tells ten times that a key is wrong, then once in six seconds, to each place by itself', () => {
    const { door: logins, pass } = setup()
    const tries = (count: number) => Array.from({ length: count }, () => logins.logIn('wrong', 'there').status)
    expect(tries(12)).toEqual([...Array(10).fill('denied'), 'throttled', 'throttled'])
    expect(logins.logIn('wrong', 'there')).toEqual({ status: 'throttled', wait: 6000 })
    expect(logins.logIn('wrong', 'here')).toEqual({ status: 'denied' })
    pass(6000)
    expect(tries(2)).toEqual(['denied', 'throttled'])
  })

  it('never makes those wait who know the key, whatever others tried from the same place', () => {
    const { door: logins } = setup()
    for (let count = 0; count < 100; count += 1) logins.logIn('wrong', 'here')
    const results = Array.from(
      { length: 100 },
      () => logins.authenticate({ authorization: `Bearer ${KEY}` }, 'here').status,
    )
    expect(new Set([...results, logins.logIn(KEY, 'here').status])).toEqual(new Set(['ok']))
  })

  it('stays open to the key while a stranger behind the same proxy tries others', async () => {
    const { page } = await start({ trustProxy: 1, dashboard: DASHBOARD })
    const login = (key: string, address: string) =>
      fetch(`${page}dashboard/login`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Forwarded-For': address },
        body: `key=${key}`,
      })
    const guesses = await Promise.all(Array.from({ length: 30 }, () => login('guess', '203.0.113.9')))
    const mistake = await login('gues', '203.0.113.10')
    const right = await login(KEY, '203.0.113.9')
    const metrics = await fetch(`${page}metrics`, { headers: BEARER })
    expect(guesses.filter(({ status }) => status === 429).length).toBeGreaterThan(0)
    expect([mistake.status, right.status, metrics.status]).toEqual([403, 303, 200])
  })

  it('gives a cookie that other instances know, until it ends, and that nobody can make', () => {
    const { door: logins, pass } = setup()
    const other = createLogins({ key: 'another-key-of-an-operator' })
    const [cookie = ''] = logins.cookie(false).split(';')
    const [name, value = ''] = cookie.split('=')
    const [expires = ''] = value.split('.')
    const later = `${name}=${Number(expires) + 1}.${value.split('.')[1]}`
    const statusOf = (text: string) => logins.authenticate({ cookie: text }, 'here').status
    expect([
      statusOf(cookie),
      statusOf(`a=b; ${cookie}; c=d`),
      statusOf(later),
      statusOf(`${name}=`),
      statusOf(`${name}=9e99.x`),
    ]).toEqual(['ok', 'ok', 'denied', 'denied', 'denied'])
    expect(other.authenticate({ cookie }, 'here').status).toBe('denied')
    pass(12 * 3_600_000)
    expect(statusOf(cookie)).toBe('denied')
  })

  it('gives a cookie that scripts and other sites cannot use', () => {
    const { door: logins } = setup()
    expect(logins.cookie(false)).toMatch(/^signalpost_dashboard=[\w.-]+; Max-Age=43200; HttpOnly; SameSite=Strict$/)
    expect(logins.cookie(true)).toMatch(/; Secure$/)
  })
})
