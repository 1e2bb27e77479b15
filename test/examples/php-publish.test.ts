import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { PATIENCE } from '../browser/chromium.js'
import { describeWhere } from '../browser/installed.js'
import { connectToRelay, type RelayClient } from '../browser/relay-client.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { answer, forwardAndDrop, forwardTo, openDesk } from './desk.js'
import { EXAMPLE, HAS_PHP, PHP_ADVICE } from './php-site.js'

const PUBLISH_KEY = 'a-secret-of-the-backend'
const AUTH_SECRET = 'a-secret-of-32-characters-or-more'

/** What a call of `SignalRelay` came to. */
interface Outcome {
  readonly result?: unknown
  readonly failure?: {
    readonly reason: string
    readonly message: string
    readonly isTemporary: boolean
    readonly retryAfter: number | null
  }
  /** The exception as PHP writes it into a log, and all that its trace holds. */
  readonly trace?: string
}

/** Evaluates PHP in which `$relay` is a `SignalRelay`. */
async function evaluate(settings: object, expression: string, flags: readonly string[] = []): Promise<Outcome> {
  const code = `
    require '${EXAMPLE}app/Libraries/SignalRelayException.php';
    require '${EXAMPLE}app/Libraries/SignalRelay.php';
    $relay = new App\\Libraries\\SignalRelay(...json_decode($argv[1], true));
    try {
      echo json_encode(['result' => ${expression}]);
    } catch (App\\Libraries\\SignalRelayException $failure) {
      echo json_encode(['failure' => [
        'reason' => $failure->reason,
        'message' => $failure->getMessage(),
        'isTemporary' => $failure->isTemporary,
        'retryAfter' => $failure->retryAfter,
      ], 'trace' => (string) $failure . print_r($failure->getTrace(), true)]);
    }`
  const { stdout } = await promisify(execFile)('php', [
    ...flags,
    '-d',
    'zend.exception_ignore_args=0',
    '-r',
    code,
    JSON.stringify(settings),
  ])
  return JSON.parse(stdout) as Outcome
}

const REPORT_INCOME = "$relay->publish('ReportIncome', ['userId' => 123])"

describeWhere(HAS_PHP, PHP_ADVICE)('SignalRelay.php', () => {
  let relay: RelayProcess
  const forward = forwardTo(() => relay.page)
  beforeAll(async () => {
    relay = await startRelay('--publish-key', `php:${PUBLISH_KEY}`)
  })
  afterAll(() => relay?.kill())

  const settings = () => ({ url: relay.page, publishKey: PUBLISH_KEY })

  async function listen(): Promise<RelayClient> {
    const client = await connectToRelay(relay.url)
    onTestFinished(client.close)
    return client
  }

  /** What was heard until now, made certain by a signal sent after it. */
  async function allHeard(client: RelayClient): Promise<unknown[]> {
    await client.send('Last', null)
    await expect.poll(() => client.heard.at(-1)?.signal, { timeout: PATIENCE }).toBe('Last')
    return client.heard.slice(0, -1).map(({ signal, data, sender }) => ({ signal, data, sender }))
  }

  it('publishes to every page, under the name of its key', async () => {
    const page = await listen()

    const { result } = await evaluate(settings(), REPORT_INCOME)

    expect(result).toMatch(/^php:[0-9a-f]{32}$/)
    expect(await allHeard(page)).toEqual([{ signal: 'ReportIncome', data: { userId: 123 }, sender: { server: 'php' } }])
  })

  it('publishes several signals at once, in order, and without data where there is none', async () => {
    const page = await listen()

    await evaluate(
      settings(),
      "$relay->publishAll([['signal' => 'A', 'data' => 1.0], ['signal' => 'B', 'data' => null]])",
    )

    const sender = { server: 'php' }
    expect(await allHeard(page)).toEqual([
      { signal: 'A', data: 1, sender },
      { signal: 'B', sender },
    ])
  })

  it('excludes a page that has just saved, and takes what a visitor sent for its id', async () => {
    const page = await listen()

    await evaluate(
      settings(),
      "[$relay->publish('A', exclude: 'AAAAAAAAAAAAAAAA'), $relay->publish('B', exclude: ''), $relay->publish('C')]",
    )

    await allHeard(page)
    expect(page.heard.slice(0, 3).map(({ signal, exclude }) => [signal, exclude])).toEqual([
      ['A', 'AAAAAAAAAAAAAAAA'],
      ['B', undefined],
      ['C', undefined],
    ])
  })

  it('publishes once for an idempotency key, however often it is called', async () => {
    const page = await listen()
    const publish = "$relay->publish('ReportIncome', idempotencyKey: 'income-17')"

    const { result } = await evaluate(settings(), `[${publish}, ${publish}]`)

    expect(result).toEqual(['php:income-17', 'php:income-17'])
    expect(await allHeard(page)).toHaveLength(1)
  })

  it('tries again, under the same key, when the answer was lost; and pages hear it once', async () => {
    const page = await listen()
    const desk = await openDesk(
      forwardAndDrop(() => relay.page),
      forward,
    )

    const { result } = await evaluate({ ...settings(), url: desk.url }, REPORT_INCOME)

    const [first, second] = desk.seen.map(({ headers }) => headers['idempotency-key'])
    expect([desk.seen.length, second, result]).toEqual([2, first, `php:${first}`])
    expect(await allHeard(page)).toHaveLength(1)
  })

  it('waits for as long as a busy relay asks, and tries again', async () => {
    const desk = await openDesk(
      answer(503, '{"error":{"code":"busy","text":"Later."}}', { 'Retry-After': '1' }),
      forward,
    )
    const begin = performance.now()

    const { failure } = await evaluate({ ...settings(), url: desk.url }, REPORT_INCOME)

    expect([failure, desk.seen.length]).toEqual([undefined, 2])
    expect(performance.now() - begin).toBeGreaterThan(1000)
  })

  it('does not hold up the page when a busy relay asks for more', async () => {
    const desk = await openDesk(
      answer(429, '{"error":{"code":"too-fast","text":"Later."}}', { 'Retry-After': '60' }),
      forward,
    )

    const { failure } = await evaluate({ ...settings(), url: desk.url }, REPORT_INCOME)

    expect(failure).toMatchObject({ reason: 'too-fast', isTemporary: true, retryAfter: 60 })
    expect(desk.seen).toHaveLength(1)
  })

  it('gives up after two attempts', async () => {
    const desk = await openDesk(answer(502, '<h1>Bad Gateway</h1>'), answer(502, '<h1>Bad Gateway</h1>'), forward)

    const { failure } = await evaluate({ ...settings(), url: desk.url }, REPORT_INCOME)

    expect(failure).toMatchObject({ reason: 'busy', isTemporary: true })
    expect(failure?.message).toContain('HTTP 502')
    expect(desk.seen).toHaveLength(2)
  })

  it('gives up on a relay that takes the request and never answers', async () => {
    const desk = await openDesk(
      () => {},
      () => {},
    )

    const { failure } = await evaluate({ ...settings(), url: desk.url, timeout: 0.5 }, REPORT_INCOME)

    expect(failure).toMatchObject({ reason: 'unreachable', isTemporary: true })
    expect(failure?.message).toContain('timed out')
    expect(desk.seen).toHaveLength(2)
  })

  it('says that the relay is down', async () => {
    const { failure } = await evaluate({ ...settings(), url: await closedAddress() }, REPORT_INCOME)

    expect(failure).toMatchObject({ reason: 'unreachable', isTemporary: true })
    expect(failure?.message).toContain('Check that it runs, and that url is its address.')
  })

  it.each([
    ['a wrong key', { publishKey: 'another-secret' }, REPORT_INCOME, 'wrong-key', "of the relay's --publish-key"],
    ['no key', { publishKey: '' }, REPORT_INCOME, 'bad-settings', 'Set publishKey'],
    ['a name that is none', {}, "$relay->publish('Report Income')", 'bad-name', 'HTTP 400'],
    ['a room that is none', {}, "$relay->publish('A', room: '7')", 'bad-name', 'HTTP 400'],
    ['data that is not JSON', {}, "$relay->publish('A', NAN)", 'bad-data', 'JSON'],
    ['data in another encoding', {}, '$relay->publish("A", "\\xe9")', 'bad-data', 'UTF-8'],
    ['too much data', {}, "$relay->publish('A', str_repeat('a', 70_000))", 'too-large', 'HTTP 413'],
    ['no signals', {}, '$relay->publishAll([])', 'bad-data', 'at least one'],
    ['a key that ends its header', {}, '$relay->publish(\'A\', idempotencyKey: "a\\nb")', 'bad-key', '1 to 64'],
    ['a path in the address', { url: 'signals' }, REPORT_INCOME, 'not-a-relay', 'without a path'],
    ['an address that is none', { url: 'ws://localhost' }, REPORT_INCOME, 'unreachable', 'url is its address'],
    ['a token without a secret', {}, "$relay->token('123')", 'bad-settings', 'Set authSecret'],
  ])('says what to do about %s, and does not try that again', async (_, wrong, call, reason, text) => {
    const desk = await openDesk(forward, answer(500, 'There was a second attempt.'))
    const url = 'url' in wrong ? wrong.url.replace('signals', `${desk.url}/signals`) : desk.url

    const { failure, trace } = await evaluate({ ...settings(), ...wrong, url }, call)

    expect(failure).toMatchObject({ reason, isTemporary: false })
    expect(failure?.message).toContain(text)
    expect(desk.seen.length).toBeLessThan(2)
    for (const secret of [PUBLISH_KEY, 'another-secret', 'userId']) expect(trace).not.toContain(secret)
  })

  it('knows what is not a relay', async () => {
    const desk = await openDesk(answer(200, '<h1>Welcome to nginx!</h1>'))

    const { failure } = await evaluate({ ...settings(), url: desk.url }, REPORT_INCOME)

    expect(failure).toMatchObject({ reason: 'not-a-relay', isTemporary: false })
  })

  // Without its configuration PHP loads no extension that is a file, as curl is.
  describe('without the extension curl', () => {
    const WITHOUT_CURL = ['-n']

    it('publishes through a stream of PHP', async () => {
      const page = await listen()

      const { result } = await evaluate(settings(), REPORT_INCOME, WITHOUT_CURL)

      expect(result).toMatch(/^php:[0-9a-f]{32}$/)
      expect(await allHeard(page)).toMatchObject([{ signal: 'ReportIncome', data: { userId: 123 } }])
    })

    it('waits for as long as a busy relay asks, and tries again', async () => {
      const desk = await openDesk(answer(503, '{}', { 'Retry-After': '1' }), forward)
      const begin = performance.now()

      const { failure } = await evaluate({ ...settings(), url: desk.url }, REPORT_INCOME, WITHOUT_CURL)

      expect([failure, desk.seen.length]).toEqual([undefined, 2])
      expect(performance.now() - begin).toBeGreaterThan(1000)
    })

    it('gives up on a relay that takes the request and never answers, or never ends its answer', async () => {
      const desk = await openDesk(
        () => {},
        (_, response) => {
          const drip = setInterval(() => response.write(' '), 50)
          response.once('close', () => clearInterval(drip))
        },
      )

      const { failure } = await evaluate({ ...settings(), url: desk.url, timeout: 0.5 }, REPORT_INCOME, WITHOUT_CURL)

      expect(failure).toMatchObject({ reason: 'unreachable', isTemporary: true })
      expect(desk.seen).toHaveLength(2)
    })

    it.each([
      ['a wrong key', { publishKey: 'another-secret' }, 'wrong-key', false],
      ['an address that is none', { url: 'ws://localhost' }, 'unreachable', false],
      ['a relay that is down', { url: 'http://127.0.0.1:9' }, 'unreachable', true],
    ])('says what to do about %s', async (_, wrong, reason, isTemporary) => {
      const { failure, trace } = await evaluate({ ...settings(), ...wrong }, REPORT_INCOME, WITHOUT_CURL)

      expect(failure).toMatchObject({ reason, isTemporary })
      for (const secret of [PUBLISH_KEY, 'another-secret', 'userId']) expect(trace).not.toContain(secret)
    })

    it('says what to install where PHP may not open addresses either', async () => {
      const flags = [...WITHOUT_CURL, '-d', 'allow_url_fopen=0']

      const { failure } = await evaluate(settings(), REPORT_INCOME, flags)

      expect(failure).toMatchObject({ reason: 'bad-settings', isTemporary: false })
      expect(failure?.message).toContain('apt-get install php-curl')
    })
  })

  it('shows no secret when it is dumped', async () => {
    const { result } = await evaluate({ ...settings(), authSecret: AUTH_SECRET }, 'print_r($relay, true)')

    expect(result).toContain('SignalRelay Object')
    expect(result).not.toContain('secret')
  })

  it('signs tokens that say who may hear and send what, and until when', async () => {
    const { result } = await evaluate(
      { url: '', authSecret: AUTH_SECRET },
      "$relay->token('Zoë', ['main', 'team:*'], [], 60)",
    )

    const { payload, protectedHeader } = await jwtVerify(String(result), new TextEncoder().encode(AUTH_SECRET))
    const { iat = 0, exp = 0, ...claims } = payload
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' })
    expect(claims).toEqual({ sub: 'Zoë', rooms: ['main', 'team:*'], send: [] })
    expect([exp - iat, Math.abs(iat - Date.now() / 1000) < 60]).toEqual([60, true])
  })
})

/** An address where nothing listens. */
async function closedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}
