import { SignJWT, type JWTPayload } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SignalLog } from '../../examples/relay/signal-log/log.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createRevocations } from '../../examples/relay/access/revoked-tokens.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { connect, pageId, startRelay } from './protocol-client.js'

const SECRET = 'correct-horse-battery-staple-0123'
const KEY = 'the-key-of-the-backend'
const now = (): number => Math.floor(Date.now() / 1000)

function token(claims: JWTPayload): Promise<string> {
  const whole = { iat: now() - 60, exp: now() + 600, ...claims }
  return new SignJWT(whole).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET))
}

async function start(options: RelayOptions = {}) {
  const started = await startRelay({ authSecret: [SECRET], revokeKey: [KEY], ...options })
  const enter = async (claims: JWTPayload) => connect(started.url, { token: await token(claims) })
  const revoke = (body: unknown, key = KEY) =>
    fetch(`${started.page}revoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { ...started, enter, revoke }
}

/** One log for several relays, which outlives each of them. */
function createSharedLog(): SignalLog {
  const log = createMemoryLog()
  onTestFinished(() => log.close())
  return { ...log, close: async () => {} }
}

describe('a revoked user', () => {
  it('P9.11 is out at once with all tokens, on every instance, and everybody else stays', async () => {
    const log = createSharedLog()
    const [one, two] = [await start({ log }), await start({ log })]
    const pages = [await one.enter({ sub: 'ann' }), await two.enter({ sub: 'ann', jti: 't2' })]
    const bob = await two.enter({ sub: 'bob' })
    for (const page of [...pages, bob]) await page.next('joined')
    const answer = await one.revoke({ user: 'ann' })
    const endings = await Promise.all(pages.map((page) => page.closed))
    const again = await two.enter({ sub: 'ann' })
    expect([answer.status, await answer.json()]).toEqual([200, { revoked: { user: 'ann' } }])
    expect(endings.map(({ code }) => code)).toEqual([4401, 4401])
    expect((await again.closed).code).toBe(4401)
    await bob.level()
  })

  it('P9.11 comes back with a token of six seconds later', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    onTestFinished(() => void vi.useRealTimers())
    const { enter, revoke } = await start()
    await revoke({ user: 'ann' })
    vi.setSystemTime(Date.now() + 6000)
    const later = await enter({ sub: 'ann', iat: now() })
    const same = await enter({ sub: 'ann', iat: now() - 6 })
    expect((await later.next('joined')).room).toBe('main')
    expect((await same.closed).code).toBe(4401)
  })

  it('P9.11 cannot renew with an old token, nor leave a farewell', async () => {
    const { enter, revoke, page } = await start()
    const ann = await enter({ sub: 'ann', iat: now() + 2 })
    await ann.next('joined')
    await revoke({ user: 'ann' })
    const old = await token({ sub: 'ann' })
    const farewell = await fetch(`${page}signals`, {
      method: 'POST',
      headers: { Origin: 'http://localhost', 'Content-Type': 'text/plain' },
      body: JSON.stringify({ v: 1, tab: pageId(), token: old, signals: [] }),
    })
    ann.say({ type: 'token', token: old })
    expect(farewell.status).toBe(401)
    expect((await ann.closed).code).toBe(4401)
  })

  it('P9.11 stays out of an instance that starts later', async () => {
    const log = createSharedLog()
    const one = await start({ log })
    await one.revoke({ user: 'ann' })
    await one.relay.close()
    const two = await start({ log })
    const ann = await two.enter({ sub: 'ann' })
    expect((await ann.closed).code).toBe(4401)
  })

  it('P9.11 stays out of an instance that starts when everything else of that time is forgotten', async () => {
    const log = createMemoryLog({ history: 2, historyMs: 1, window: 1 })
    onTestFinished(() => log.close())
    const shared = { ...log, close: async () => {} }
    const one = await start({ log: shared })
    await one.revoke({ user: 'ann' })
    for (let count = 0; count < 600; count += 1) await one.revoke({ user: `user ${count}` })
    await one.relay.close()
    const two = await start({ log: shared })
    const [ann, last, bob] = [
      await two.enter({ sub: 'ann' }),
      await two.enter({ sub: 'user 599' }),
      await two.enter({ sub: 'bob' }),
    ]
    expect([(await ann.closed).code, (await last.closed).code]).toEqual([4401, 4401])
    await bob.level()
  })

  it('is out here even while the log is away, and whoever asked is told to ask again', async () => {
    const inner = createMemoryLog()
    const log = { ...inner, append: () => Promise.reject(new Error('away')) }
    const { enter, revoke } = await start({ log, retryFor: 1 })
    const ann = await enter({ sub: 'ann' })
    await ann.next('joined')
    const answer = await revoke({ user: 'ann' })
    expect((await ann.closed).code).toBe(4401)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  })

  it('can be revoked by the program that embeds the relay', async () => {
    const { url, relay } = await startRelay({ authorize: (user) => ({ user, issued: Date.now() - 1000 }) })
    const ann = await connect(url, { token: 'ann' })
    await ann.next('joined')
    await relay.revoke({ user: 'ann' })
    expect((await ann.closed).code).toBe(4401)
  })
})

describe('a revoked token', () => {
  it('P9.11 is out, and the user’s others stay', async () => {
    const { enter, revoke } = await start()
    const pages = [await enter({ sub: 'ann', jti: 't1' }), await enter({ sub: 'ann', jti: 't2' })]
    for (const page of pages) await page.next('joined')
    await revoke({ token: 't1' })
    expect((await pages[0]?.closed)?.code).toBe(4401)
    await pages[1]?.level()
  })
})

describe('POST /revoke', () => {
  it('needs the secret of a key', async () => {
    const { revoke } = await start()
    const none = await start({ revokeKey: [] })
    const answers = [await revoke({ user: 'ann' }, 'wrong'), await none.revoke({ user: 'ann' })]
    expect(answers.map(({ status }) => status)).toEqual([401, 403])
  })

  it.each([{}, { user: 5.5 }, { user: '' }, { user: 'ann', token: 't1' }, { users: ['ann'] }, [], null, 'ann'])(
    'answers 400 to %j',
    async (body) => {
      const { revoke } = await start()
      const answer = await revoke(body)
      const { error } = await answer.json()
      expect([answer.status, error.text]).toEqual([400, expect.stringContaining('"sub"')])
    },
  )

  it('is heard by no client: nobody can join the room in which the instances talk', async () => {
    const { enter, revoke } = await start()
    const bob = await enter({ sub: 'bob' })
    await bob.next('joined')
    bob.say({ type: 'join', room: '$revocations' })
    bob.say({ type: 'signal', id: pageId(), signal: 'Control', data: { user: 'bob', at: 1e15 }, room: '$revocations' })
    const refusals = [await bob.next('refused'), await bob.next('refused')]
    await revoke({ user: 'ann' })
    await bob.level()
    expect(refusals.map(({ code }) => code)).toEqual(['bad-name', 'bad-name'])
    expect(bob.signals()).toEqual([])
  })
})

describe('what is remembered of revocations', () => {
  it('goes after a day, or when there are very many, the oldest first', () => {
    const start = 1_000_000_000_000
    const clock = vi.fn(() => start)
    const revocations = createRevocations(clock)
    revocations.add({ user: 'ann' }, start)
    revocations.add({ token: 't1' }, start)
    clock.mockReturnValue(start + 25 * 3_600_000)
    revocations.add({ user: 'bob' }, clock())
    const issued = start - 1
    expect(revocations.isRevoked({ user: 'ann', issued })).toBe(false)
    expect(revocations.isRevoked({ user: 'bob', issued })).toBe(true)
    for (let count = 0; count < 100_001; count += 1) revocations.add({ user: `user ${count}` }, clock() + count)
    expect(revocations.isRevoked({ user: 'bob', issued })).toBe(false)
    expect(revocations.isRevoked({ user: 'user 100000', issued })).toBe(true)
  })

  it('takes a repetition for what it is', () => {
    const revocations = createRevocations(() => 15_000)
    revocations.add({ user: 'ann' }, 12_000)
    revocations.add({ user: 'ann' }, 11_000)
    expect(revocations.isRevoked({ user: 'ann', issued: 16_500 })).toBe(true)
    expect(revocations.isRevoked({ user: 'ann', issued: 17_500 })).toBe(false)
    expect(revocations.isRevoked({ user: 'ann' })).toBe(true)
  })
})
