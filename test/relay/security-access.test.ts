import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogins } from '../../examples/relay/admin/login.js'
import type { SignalLog } from '../../examples/relay/signal-log/log.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { appendOne } from './append-one.js'
import { connect, pageId, startRelay } from './protocol-client.js'
import { createRecorder, SECRET, sign } from './security.js'

const REVOKE_KEY = 'a-key-for-revoking'
const DASHBOARD_KEY = 'the-key-of-the-operator'
const BEARER = { Authorization: `Bearer ${DASHBOARD_KEY}` }
const seconds = (): number => Math.floor(Date.now() / 1000)
/** Claims of any type, as servers in other languages make them. */
const signAny = (claims: Readonly<Record<string, unknown>>): Promise<string> => sign(claims)

async function start(options: RelayOptions = {}) {
  const { lines, logger } = createRecorder()
  const started = await startRelay({ authSecret: [SECRET], revokeKey: [REVOKE_KEY], logger, ...options })
  const enter = async (claims: Readonly<Record<string, unknown>>) =>
    connect(started.url, { token: await signAny(claims) })
  const revoke = (body: unknown) =>
    fetch(`${started.page}revoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${REVOKE_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  const leave = (body: Readonly<Record<string, unknown>>) =>
    fetch(`${started.page}signals`, {
      method: 'POST',
      headers: { Origin: 'http://localhost', 'Content-Type': 'text/plain' },
      body: JSON.stringify({ v: 1, tab: pageId(), signals: [], ...body }),
    })
  /** Why tokens were refused, as the log tells it. */
  const refusals = () => lines.filter(({ level }) => level === 'info').map(({ fields, text }) => ({ fields, text }))
  return { ...started, lines, refusals, enter, revoke, leave }
}

/** One log for several relays, which outlives each of them. */
function createSharedLog(): SignalLog {
  const log = createMemoryLog()
  onTestFinished(() => log.close())
  return { ...log, close: async () => {} }
}

/** Time stands still, and goes on when a test says so; sockets and timers are real. */
function stopTheClock(): { readonly pass: (milliseconds: number) => void } {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  onTestFinished(() => void vi.useRealTimers())
  return { pass: (milliseconds) => void vi.setSystemTime(Date.now() + milliseconds) }
}

describe('a claim of a wrong type', () => {
  const WORD = 'telltale'
  const NO_ID = [null, 1.5, true, { [WORD]: 1 }, [WORD], '', 2 ** 53, -(2 ** 53), 1e300, 'x'.repeat(257)]
  const NO_TIME = [null, true, WORD, '1800000000', [], {}, 1e308, -1e308, 1_800_000_000_000]
  const NO_SCOPE = [null, true, 7, WORD, '*', { [WORD]: true }, [7], [null], [['main']], ['a b']]
  const wrong = (claim: string, values: readonly unknown[]) =>
    values.map((value) => [claim, JSON.stringify(value).slice(0, 30), value] as const)

  it.each([
    ...wrong('sub', NO_ID),
    ...wrong('jti', NO_ID),
    ...wrong('exp', NO_TIME),
    ...wrong('nbf', [null, true, WORD, [], {}, 1e308, -1e308]),
    ...wrong('iat', NO_TIME),
    ...wrong('rooms', NO_SCOPE),
    ...wrong('send', NO_SCOPE),
  ])(
    'S66 %s: %s ends the connection with 4401, and the log names the claim and nothing of it',
    async (claim, _shown, value) => {
      const { lines, refusals, enter, leave } = await start()
      const page = await enter({ sub: 'ann', [claim]: value })
      const farewell = await leave({ token: await signAny({ [claim]: value }) })
      expect([(await page.closed).code, farewell.status]).toEqual([4401, 401])
      expect(page.frames).toEqual([])
      const named = { fields: { text: expect.stringContaining(`"${claim}"`) }, text: 'a token was refused' }
      expect(refusals()).toEqual([named, named])
      expect(JSON.stringify(lines)).not.toMatch(/telltale|xxx/)
    },
  )

  it('S66 says what a claim must be', async () => {
    const { refusals, enter } = await start()
    for (const claims of [{ sub: null }, { exp: 1e11 * 1000 }, { rooms: 'main' }]) await (await enter(claims)).closed
    expect(refusals().map(({ fields }) => (fields as { text: string }).text)).toEqual([
      '"sub" must be a text of 1 to 256 characters or a whole number within ±(2^53 - 1)',
      '"exp" must be a number of seconds since 1970, before the year 10000',
      '"rooms" must be a list of names, which may end with a star',
    ])
  })

  it('S66 that is a number beyond what JSON can carry is refused too', async () => {
    const { url, refusals } = await start()
    const encode = (text: string): string => Buffer.from(text).toString('base64url')
    const { createHmac } = await import('node:crypto')
    for (const claim of [
      '"exp":1e999',
      `"exp":${seconds() + 60},"iat":-1e999`,
      `"exp":${seconds() + 60},"nbf":-1e999`,
    ]) {
      const signed = `${encode('{"alg":"HS256"}')}.${encode(`{${claim}}`)}`
      const token = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
      expect((await (await connect(url, { token })).closed).code).toBe(4401)
    }
    expect(refusals()).toHaveLength(3)
  })

  it('S66 nothing of a header that nobody signed gets into the log', async () => {
    const { url, lines, refusals } = await start()
    const header = Buffer.from(`{"alg":"HS256","crit":["${WORD}"],"${WORD}":1}`).toString('base64url')
    const [, ...rest] = (await sign()).split('.')
    expect((await (await connect(url, { token: [header, ...rest].join('.') })).closed).code).toBe(4401)
    expect([refusals().length, JSON.stringify(lines).includes(WORD)]).toEqual([1, false])
  })

  it('S66 a time with a fraction is told to the page as whole milliseconds', async () => {
    const { enter } = await start()
    const page = await enter({ exp: seconds() + 600.1234567, iat: seconds() - 0.5, nbf: seconds() - 0.5 })
    const { expiresIn } = await page.next('welcome')
    expect(Number.isSafeInteger(expiresIn)).toBe(true)
  })
})

describe('a user or a token whose id is a whole number', () => {
  it.each([5, 0, -7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'S67 %d counts as its text in the welcome, in limits and as the sender',
    async (sub) => {
      const { enter } = await start({ maxConnectionsPerUser: 2 })
      const pages = [await enter({ sub }), await enter({ sub: `${sub}` })]
      const welcomes = [await pages[0]?.next('welcome'), await pages[1]?.next('welcome')]
      const third = await enter({ sub })
      pages[0]?.signal('Saved')
      const [heard] = (await pages[1]?.heard(1)) ?? []
      expect(welcomes.map((welcome) => welcome?.user)).toEqual([`${sub}`, `${sub}`])
      expect((await third.closed).code).toBe(4529)
      expect(heard?.sender.user).toBe(`${sub}`)
    },
  )

  it('S67 renews and leaves as the user of that text, and as no other', async () => {
    const { enter, leave } = await start()
    const page = await enter({ sub: '5' })
    page.say({ type: 'token', token: await signAny({ sub: 5 }) })
    const users = [(await page.next('welcome')).user, (await page.next('welcome')).user]
    const token = await signAny({ sub: 5 })
    const farewells = [5, '5', 6, '6', null, 5.5, '', true].map((user) => leave({ token, user }))
    const statuses = (await Promise.all(farewells)).map(({ status }) => status)
    expect(users).toEqual(['5', '5'])
    expect(statuses).toEqual([200, 200, 401, 401, 400, 400, 400, 400])
  })

  it.each([
    [{ user: 5 }, { user: '5' }],
    [{ user: '5' }, { user: '5' }],
    [{ token: 7 }, { token: '7' }],
    [{ token: '7' }, { token: '7' }],
  ])('S67 is taken back by %j on every instance', async (asked, revoked) => {
    const log = createSharedLog()
    const [one, two] = [await start({ log }), await start({ log })]
    const pages = [
      await one.enter({ sub: 5, jti: 7 }),
      await two.enter({ sub: 5, jti: 7 }),
      await two.enter({ sub: '5', jti: '7' }),
    ]
    const other = await two.enter({ sub: 57, jti: 75 })
    for (const page of [...pages, other]) await page.next('joined')
    const answer = await one.revoke(asked)
    expect([answer.status, await answer.json()]).toEqual([200, { revoked }])
    expect((await Promise.all(pages.map((page) => page.closed))).map(({ code }) => code)).toEqual([4401, 4401, 4401])
    const later = await start({ log })
    expect((await (await later.enter({ sub: 5, jti: 7 })).closed).code).toBe(4401)
    await other.level()
  })

  it('S67 is taken back by a program without types, which hears what it did wrong', async () => {
    const { relay, enter } = await start()
    const page = await enter({ sub: 5 })
    await page.next('joined')
    const revoke = relay.revoke as (revocation: unknown) => Promise<void>
    for (const value of [{ user: null }, { user: 1.5 }, { user: '' }, undefined]) {
      await expect(revoke(value)).rejects.toThrow('"sub"')
    }
    await revoke({ user: 5 })
    expect((await page.closed).code).toBe(4401)
  })
})

describe('what authorize returns', () => {
  const begin = async (rights: unknown) => {
    const { lines, logger } = createRecorder()
    const authorize = (): Promise<never> => Promise.resolve(rights as never)
    const { url, page } = await startRelay({ authorize, logger })
    const errors = () => lines.filter(({ level }) => level === 'error').map(({ fields }) => JSON.stringify(fields))
    return { url, page, errors }
  }

  it.each([
    ...['user', 'id'].flatMap((field) => [null, 1.5, true, {}, ['ann'], '', 2 ** 53].map((value) => [field, value])),
    ...['expires', 'issued'].flatMap((field) =>
      [null, '2030', Number.NaN, Infinity, 1e308, new Date(), true].map((value) => [field, value]),
    ),
    ...['join', 'send'].flatMap((field) => [null, false, ['main'], 'main'].map((value) => [field, value])),
  ] as [string, unknown][])('S68 with %s: %j lets nobody in, and the log names the field', async (field, value) => {
    const { url, page, errors } = await begin({ [field]: value })
    const guest = await connect(url, { token: 'any' })
    const farewell = await fetch(`${page}signals`, {
      method: 'POST',
      headers: { Origin: 'http://localhost', 'Content-Type': 'text/plain' },
      body: JSON.stringify({ v: 1, tab: pageId(), token: 'any', signals: [] }),
    })
    expect([(await guest.closed).code, farewell.status]).toEqual([4500, 500])
    expect(guest.frames).toEqual([])
    const quoted = expect.stringContaining(`\\"${field}\\" must be`)
    expect(errors()).toEqual([quoted, quoted])
  })

  it.each([true, 'ann', 5, [], ['ann']])('S68 is an object: %j lets nobody in', async (rights) => {
    const { url, errors } = await begin(rights)
    const guest = await connect(url, { token: 'any' })
    expect((await guest.closed).code).toBe(4500)
    expect(errors()).toEqual([expect.stringContaining('authorize must return an object')])
  })

  it.each([undefined, null, false])('S68 may be %j for a token that is not good', async (rights) => {
    const { url, errors } = await begin(rights)
    expect((await (await connect(url, { token: 'any' })).closed).code).toBe(4401)
    expect(errors()).toEqual([])
  })

  it.each([undefined, 'yes', 1, Promise.resolve(false)])(
    'S68 allows nothing by a function that says %j',
    async (said) => {
      const { url, errors } = await begin({ user: 'ann', join: () => said })
      const reader = await connect(url, { token: 'any' })
      expect((await reader.closed).code).toBe(4500)
      const sending = await begin({ send: () => said })
      const sender = await connect(sending.url, { token: 'any' })
      sender.signal('Saved')
      expect((await sender.closed).code).toBe(4500)
      expect([reader.frames, sender.frames].flat().map(({ type }) => type)).toEqual(['welcome', 'welcome', 'joined'])
      expect([...errors(), ...sending.errors()]).toEqual([
        expect.stringContaining('\\"join\\" must return true or false'),
        expect.stringContaining('\\"send\\" must return true or false'),
      ])
    },
  )

  it('S68 counts whole numbers as text, and may be an object with methods', async () => {
    class Session {
      readonly user = 5
      readonly expires = Date.now() + 60_000.5
      readonly #rooms = ['main']
      join(room: string): boolean {
        return this.#rooms.includes(room)
      }
    }
    const { url } = await begin(new Session())
    const page = await connect(url, { token: 'any', rooms: ['main', 'other'] })
    const { user, expiresIn } = await page.next('welcome')
    await page.next('joined')
    expect([user, Number.isSafeInteger(expiresIn), (await page.next('refused')).room]).toEqual(['5', true, 'other'])
  })
})

describe('the clock of the server that issues tokens', () => {
  it.each([0, 1, 2, 4, 5])(
    'S69 may be %d s ahead: what was issued before a revocation stays out, before and after',
    async (ahead) => {
      const { pass } = stopTheClock()
      const { enter, revoke, leave } = await start()
      const claims = { sub: 'ann', iat: seconds() + ahead }
      const [shown, unshown] = [await signAny(claims), await signAny({ ...claims, jti: 'never shown before' })]
      const page = await enter(claims)
      await page.next('joined')
      await revoke({ user: 'ann' })
      expect((await page.closed).code).toBe(4401)
      for (const wait of [0, 1000, 5000, 60_000]) {
        pass(wait)
        const answers = [await leave({ token: shown }), await leave({ token: unshown })]
        expect([wait, ...answers.map(({ status }) => status)]).toEqual([wait, 401, 401])
        expect((await (await enter(claims)).closed).code).toBe(4401)
      }
    },
  )

  it.each([-5, -2, 0, 2, 5])(
    'S69 may differ by %d s: who signs in again comes in as soon as the token cannot be an old one',
    async (ahead) => {
      const { pass } = stopTheClock()
      const { enter, revoke } = await start()
      await revoke({ user: 'ann' })
      // By its own clock, the server is past the time of the revocation and the tolerance.
      pass(5000 + 1000 - ahead * 1000)
      const page = await enter({ sub: 'ann', iat: seconds() + ahead })
      expect((await page.next('welcome')).user).toBe('ann')
    },
  )

  it('P9.12 S69 that is further ahead gets no token in, so that none outlives a revocation, and the log says why', async () => {
    const { pass } = stopTheClock()
    const { enter, refusals } = await start()
    const iat = seconds() + 6
    expect((await (await enter({ sub: 'ann', iat })).closed).code).toBe(4401)
    const text = '"iat" must not lie more than 5 s ahead of the relay\'s clock: synchronize the clocks'
    expect(refusals().map(({ fields }) => fields)).toEqual([{ text }])
    pass(1000)
    expect((await (await enter({ sub: 'ann', iat })).next('welcome')).user).toBe('ann')
    const embedded = await startRelay({ authorize: () => ({ user: 'ann', issued: Date.now() + 5001 }) })
    expect((await (await connect(embedded.url, { token: 'any' })).closed).code).toBe(4401)
  })
})

describe('the clock of another instance', () => {
  /** Says what another instance would whose clock differs. */
  const appendRevocation = (log: SignalLog, data: Readonly<Record<string, unknown>>) => {
    const [room, id] = ['$revocations', pageId()]
    const opening = JSON.stringify({ type: 'signal', id, signal: 'Control', data, room, sender: {} }).slice(0, -1)
    return appendOne(log, { room, id, prefix: opening })
  }

  it.each([-5, -4, 0, 4, 3600])(
    'P9.12 S70 may be %d s ahead of this one: all that was let in here before it revoked is out, and stays out',
    async (ahead) => {
      const { pass } = stopTheClock()
      const log = createSharedLog()
      const { enter } = await start({ log })
      const claims = { sub: 'ann', iat: seconds() + 5 }
      const page = await enter(claims)
      await page.next('joined')
      await appendRevocation(log, { user: 'ann', at: Date.now() + ahead * 1000 })
      expect((await page.closed).code).toBe(4401)
      for (const wait of [0, 4000, 60_000]) {
        pass(wait)
        expect((await (await enter(claims)).closed).code).toBe(4401)
      }
    },
  )

  it('S70 may be behind, and who signs in again comes in on both', async () => {
    const { pass } = stopTheClock()
    const log = createSharedLog()
    const { enter } = await start({ log })
    const old = await enter({ sub: 'ann' })
    await old.next('joined')
    await appendRevocation(log, { user: 'ann', at: Date.now() - 4000 })
    await old.closed
    pass(6000)
    expect((await (await enter({ sub: 'ann', iat: seconds() })).next('welcome')).user).toBe('ann')
  })

  it.each([null, '0', -1, 1e308, true])('S70 is not believed where it says %j', async (at) => {
    const log = createSharedLog()
    const { enter } = await start({ log })
    const page = await enter({ sub: 'ann' })
    await page.next('joined')
    await appendRevocation(log, { user: 'ann', at })
    await appendRevocation(log, { user: 'bob', at: Date.now() })
    const bob = await enter({ sub: 'bob' })
    expect((await bob.closed).code).toBe(4401)
    await page.level()
  })
})

describe('who logs out of the dashboard', () => {
  async function open(options: RelayOptions = {}) {
    const { page, relay } = await startRelay({ dashboardKey: DASHBOARD_KEY, ...options })
    const post = (path: string, headers: Readonly<Record<string, string>>, body = '') =>
      fetch(`${page}dashboard/${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        body,
      })
    const logIn = async (): Promise<string> => {
      const answer = await post('login', {}, `key=${DASHBOARD_KEY}`)
      return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    }
    const logOut = async (cookie: string, headers = {}) => (await post('logout', { Cookie: cookie, ...headers })).status
    const see = async (cookie: string) =>
      (await fetch(`${page}dashboard/state`, { headers: { Cookie: cookie } })).status
    return { relay, logIn, logOut, see }
  }

  it('S71 is out with that cookie for good, and other logins stay', async () => {
    const { logIn, logOut, see } = await open()
    const [mine, other] = [await logIn(), await logIn()]
    const before = [await see(mine), await see(other)]
    const left = [await logOut(mine), await logOut(mine), await logOut('signalpost_dashboard=none')]
    expect([before, left]).toEqual([
      [200, 200],
      [303, 303, 303],
    ])
    expect([await see(mine), await see(other)]).toEqual([401, 200])
  })

  it('S71 is out of every instance, and of those that start later', async () => {
    const log = createSharedLog()
    const [one, two] = [await open({ log }), await open({ log })]
    const [mine, other] = [await one.logIn(), await two.logIn()]
    const before = [await two.see(mine), await one.see(other)]
    await one.logOut(mine)
    await vi.waitFor(async () => expect(await two.see(mine)).toBe(401))
    const three = await open({ log })
    const after = [await one.see(mine), await three.see(mine), await one.see(other), await three.see(other)]
    expect([before, after]).toEqual([
      [200, 200],
      [401, 401, 200, 200],
    ])
  })

  it('S71 is out here and told to try again while the log is away', async () => {
    const log = { ...createMemoryLog(), append: () => Promise.reject(new Error('away')) }
    const { logIn, logOut, see } = await open({ log, retryFor: 1 })
    const cookie = await logIn()
    expect([await logOut(cookie), await see(cookie)]).toEqual([503, 401])
  })

  it('S71 is not let in again by a relay alone that was started anew', async () => {
    const [one, two] = [await open(), await open()]
    const cookie = await one.logIn()
    await one.logOut(cookie)
    expect(await two.see(cookie)).toBe(401)
  })

  it('S71 is nobody whom another site logs out', async () => {
    const { logIn, logOut, see } = await open()
    const cookie = await logIn()
    expect(await logOut(cookie, { 'Sec-Fetch-Site': 'cross-site' })).toBe(405)
    expect(await see(cookie)).toBe(200)
  })

  it('S71 stays out when more log out than are remembered: who came no later is out, too', () => {
    let time = 1_000_000
    const logins = createLogins({ key: DASHBOARD_KEY, clock: () => time })
    const logIn = (): string => {
      time += 1
      return logins.cookie(false).split(';')[0] ?? ''
    }
    const end = (cookie: string): void => {
      const login = logins.loginOf(cookie)
      if (login) logins.end(login)
    }
    const [older, first] = [logIn(), logIn()]
    end(first)
    const younger = logIn()
    for (let count = 0; count < 1000; count += 1) end(logIn())
    const statusOf = (cookie: string) => logins.authenticate({ cookie }, 'here').status
    expect([statusOf(older), statusOf(first), statusOf(younger)]).toEqual(['denied', 'denied', 'ok'])
  })
})

describe('an address with many HTTP connections', () => {
  // Ten times as many may be open as WebSockets.
  const LIMITS = { maxConnectionsPerAddress: 1, helloTimeout: 30_000 }
  const PARTS = {
    dashboardKey: DASHBOARD_KEY,
    publishKey: [{ name: 'shop', secret: 's3cret' }],
    revokeKey: [REVOKE_KEY],
  }
  const own = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address

  interface Answer {
    readonly status: number | undefined
    readonly headers: IncomingHttpHeaders
    readonly text: string
  }

  /** Asks over a connection of its own. */
  function ask(url: string, headers: OutgoingHttpHeaders = {}, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asking = request(url, { agent: false, headers, method: body === undefined ? 'GET' : 'POST' }, (answer) => {
        let text = ''
        answer.on('data', (bytes) => (text += String(bytes)))
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }))
      })
      asking.on('error', reject)
      asking.end(body)
    })
  }

  /** Holds a connection open, after one request or none. */
  async function hold(host: string, port: number, say = ''): Promise<Socket> {
    const socket = connectTcp(port, host)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'connect')
    if (say !== '') {
      socket.write(say)
      await once(socket, 'data')
    }
    return socket
  }

  async function holdMany(count: number, host: string, port: number, say?: string): Promise<Socket[]> {
    const held: Socket[] = []
    for (let index = 0; index < count; index += 1) held.push(await hold(host, port, say))
    return held
  }

  const json = { 'Content-Type': 'application/json' }
  /** What has to be answered whatever else comes from there. */
  const urgent = async (base: string, headers: OutgoingHttpHeaders = {}) => [
    (await ask(`${base}health`, headers)).status,
    (await ask(`${base}ready`, headers)).status,
    (await ask(`${base}metrics`, { ...headers, ...BEARER })).status,
    (await ask(`${base}publish`, { ...headers, ...json, Authorization: 'Bearer s3cret' }, '{"signal":"Saved"}')).status,
    (await ask(`${base}revoke`, { ...headers, ...json, Authorization: `Bearer ${REVOKE_KEY}` }, '{"user":"ann"}'))
      .status,
  ]

  it.skipIf(own === undefined)(
    'S72 gets 429 with a text for one too many, idle ones counted, and all that is urgent is answered',
    async () => {
      const host = `${own}`
      const { port } = await startRelay({ ...LIMITS, ...PARTS, host: '0.0.0.0' })
      const base = `http://${host}:${port}/`
      const held = await holdMany(10, host, port)
      const [page, dashboard] = [await ask(base), await ask(`${base}dashboard`, BEARER)]
      const farewell = await ask(`${base}signals`, { Origin: `http://${host}`, ...json }, '{}')
      const refused = [page, dashboard, farewell].map(({ status, headers }) => `${status} ${headers['retry-after']}`)
      expect(refused).toEqual(['429 10', '429 10', '429 10'])
      expect([page.headers.connection, page.text]).toEqual([
        'close',
        expect.stringContaining('too many HTTP connections'),
      ])
      expect(farewell.headers['access-control-allow-origin']).toBe(`http://${host}`)
      expect(await urgent(base)).toEqual([200, 200, 200, 200, 200])
      const visitor = await connect(`ws://${host}:${port}/signals`, { origin: `http://${host}` })
      await visitor.next('joined')
      expect((await ask(`http://127.0.0.1:${port}/`)).status).not.toBe(429)
      held[0]?.destroy()
      await vi.waitFor(async () => expect((await ask(base)).status).not.toBe(429))
    },
  )

  it.skipIf(own === undefined)('S72 has twice as many at most: one more is dropped at once', async () => {
    const host = `${own}`
    const { port } = await startRelay({ ...LIMITS, ...PARTS, host: '0.0.0.0' })
    const held = await holdMany(20, host, port)
    await expect(ask(`http://${host}:${port}/health`)).rejects.toThrow(/socket hang up|ECONNRESET/)
    expect(await urgent(`http://127.0.0.1:${port}/`)).toEqual([200, 200, 200, 200, 200])
    expect(held.filter((socket) => socket.destroyed || socket.readableEnded)).toEqual([])
    held[0]?.destroy()
    await vi.waitFor(async () => expect((await ask(`http://${host}:${port}/health`)).status).toBe(200))
  })

  it.skipIf(own === undefined)('S72 may have many WebSockets, which are counted apart', async () => {
    const host = `${own}`
    const { port } = await startRelay({ ...LIMITS, host: '0.0.0.0', maxConnectionsPerAddress: 30 })
    for (let count = 0; count < 30; count += 1) {
      await (await connect(`ws://${host}:${port}/signals`, { origin: `http://${host}` })).next('joined')
    }
    const statuses = await Promise.all(Array.from({ length: 50 }, () => ask(`http://${host}:${port}/health`)))
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([200]))
  })

  it('S72 is told apart behind a proxy by the address for which the proxy asked last', async () => {
    const { port, page } = await startRelay({ ...LIMITS, ...PARTS, trustProxy: 1 })
    const begun = 'GET /health HTTP/1.1\r\n'
    const rest = (address: string): string => `Host: localhost\r\nX-Forwarded-For: ${address}\r\n\r\n`
    const [crowd, other] = [{ 'X-Forwarded-For': '203.0.113.7' }, { 'X-Forwarded-For': '203.0.113.8' }]
    const held = await holdMany(10, '127.0.0.1', port, begun + rest('203.0.113.7'))
    // A next request that has begun keeps the connection from being closed for being idle.
    for (const socket of held) socket.write(begun)
    expect([(await ask(`${page}nothing`, crowd)).status, (await ask(`${page}nothing`, other)).status]).toEqual([
      429, 404,
    ])
    expect([await urgent(page, crowd), (await ask(`${page}nothing`)).status]).toEqual([[200, 200, 200, 200, 200], 404])
    // The proxy lends one of its connections to somebody else.
    held[0]?.write(rest('203.0.113.8'))
    await once(held[0] as Socket, 'data')
    expect((await ask(`${page}nothing`, crowd)).status).toBe(404)
  })
})
