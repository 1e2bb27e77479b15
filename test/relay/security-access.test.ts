import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SignalLog } from '../../examples/relay/log/log.js'
import { createMemoryLog } from '../../examples/relay/log/memory/log.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { connect, pageId, startRelay } from './protocol-client.js'
import { createRecorder, SECRET, sign } from './security.js'

const REVOKE_KEY = 'a-key-for-revoking'
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
  const NO_TIME = [null, true, WORD, `${seconds()}`, [], {}, 1e308, -1e308, Date.now()]
  const NO_SCOPE = [null, true, 7, WORD, '*', { [WORD]: true }, [7], [null], [['main']], ['a b']]
  const wrong = (claim: string, values: readonly unknown[]) => values.map((value) => [claim, value] as const)

  it.each([
    ...wrong('sub', NO_ID),
    ...wrong('jti', NO_ID),
    ...wrong('exp', NO_TIME.slice(0, -2).concat(Date.now())),
    ...wrong('nbf', [null, true, WORD, [], {}, 1e308, -1e308]),
    ...wrong('iat', NO_TIME),
    ...wrong('rooms', NO_SCOPE),
    ...wrong('send', NO_SCOPE),
  ])(
    'S66 %s: %j ends the connection with 4401, and the log names the claim and nothing of it',
    async (claim, value) => {
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
    const { expires } = await page.next('welcome')
    expect(Number.isSafeInteger(expires)).toBe(true)
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
    const { user, expires } = await page.next('welcome')
    await page.next('joined')
    expect([user, Number.isSafeInteger(expires), (await page.next('refused')).room]).toEqual(['5', true, 'other'])
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
    const text = '"iat" must not lie more than 5 s ahead of the relay\'s clock: set the clocks'
    expect(refusals().map(({ fields }) => fields)).toEqual([{ text }])
    pass(1000)
    await (await enter({ sub: 'ann', iat })).next('welcome')
    const embedded = await startRelay({ authorize: () => ({ user: 'ann', issued: Date.now() + 5001 }) })
    expect((await (await connect(embedded.url, { token: 'any' })).closed).code).toBe(4401)
  })
})

describe('the clock of another instance', () => {
  /** Says what another instance would whose clock differs. */
  const hear = (log: SignalLog, data: Readonly<Record<string, unknown>>) => {
    const [room, id] = ['$revocations', pageId()]
    const opening = JSON.stringify({ type: 'signal', id, signal: 'Control', data, room, sender: {} }).slice(0, -1)
    return log.append({ room, id, opening } as Parameters<SignalLog['append']>[0])
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
      await hear(log, { user: 'ann', at: Date.now() + ahead * 1000 })
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
    await hear(log, { user: 'ann', at: Date.now() - 4000 })
    await old.closed
    pass(6000)
    await (await enter({ sub: 'ann', iat: seconds() })).next('welcome')
  })

  it.each([null, '0', -1, 1e308, true])('S70 is not believed where it says %j', async (at) => {
    const log = createSharedLog()
    const { enter } = await start({ log })
    const page = await enter({ sub: 'ann' })
    await page.next('joined')
    await hear(log, { user: 'ann', at })
    await hear(log, { user: 'bob', at: Date.now() })
    const bob = await enter({ sub: 'bob' })
    await bob.closed
    await page.level()
  })
})
