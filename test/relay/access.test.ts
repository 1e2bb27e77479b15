import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAccess } from '../../examples/relay/access/access.js'
import type { Authorize, Rights } from '../../examples/relay/access/rights.js'
import { connect, join, startRelay } from './protocol-client.js'

const APP = 'https://app.example.com'

describe('origins', () => {
  it.each([
    [APP, true],
    ['http://localhost', true],
    ['http://localhost:3000', true],
    ['https://127.0.0.1:8443', true],
    ['http://[::1]:8080', true],
    ['https://evil.example', false],
    ['https://app.example.com.evil.io', false],
    ['https://evil-app.example.com', false],
    ['http://app.example.com', false],
    ['https://app.example.com:444', false],
    ['https://APP.example.com', false],
    ['https://app.example.com/', false],
    ['null', false],
    ['', false],
    ['http://localhost.evil.io', false],
    ['http://127.0.0.1.evil.io', false],
    ['file://localhost', false],
  ])('P9.1 judges %s', async (origin, isAllowed) => {
    const { url } = await startRelay({ origin: [APP] })
    const outcome = await connect(url, { origin }).then(
      () => 'in',
      (error: Error) => error.message,
    )
    expect(outcome).toBe(isAllowed ? 'in' : 'Unexpected server response: 403')
  })

  it('P9.1 allows the host that was asked for, on any port, when others can reach the relay', () => {
    const access = createAccess({ host: '0.0.0.0', origins: [], isOpen: false })
    expect(access.checkOrigin('http://192.168.1.5:8080', '192.168.1.5:8081')).toBeUndefined()
    expect(access.checkOrigin('http://intranet', 'intranet:8081')).toBeUndefined()
    expect(access.checkOrigin('http://192.168.1.6:8080', '192.168.1.5:8081')).toContain(
      '--origin http://192.168.1.6:8080',
    )
    expect(access.checkOrigin('http://intranet', undefined)).toBeDefined()
  })

  it('P9.9 does not take a foreign name for this machine', () => {
    const access = createAccess({ host: '127.0.0.1', origins: [], isOpen: false })
    expect(access.checkOrigin('http://rebound.example', 'rebound.example:8081')).toBeDefined()
    expect(access.checkOrigin('http://localhost', 'localhost:8081')).toBeUndefined()
  })

  it('P9.9 does not take a foreign name for its own where its sites are named', () => {
    const access = createAccess({ host: '0.0.0.0', origins: [APP, 'https://shop.example:444'], isOpen: false })
    const isIn = (name: string) => access.checkOrigin(`http://${name}:8081`, `${name}:8081`) === undefined
    expect(['rebound.example', 'app.example.com.evil.io', '192.168.1.5.nip.io'].map(isIn)).toEqual([
      false,
      false,
      false,
    ])
    expect(['app.example.com', 'shop.example', '192.168.1.5', '[fd00::1]', 'office'].map(isIn)).toEqual(
      Array(5).fill(true),
    )
    expect(access.checkOrigin('http://rebound.example', 'rebound.example')).toContain('--origin http://rebound.example')
  })

  it('P9.2 keeps out clients without an origin, unless it is open or tokens are needed', async () => {
    const closed = await startRelay()
    const open = await startRelay({ open: true })
    const guarded = await startRelay({ authorize: () => ({}) })
    const outcome = await connect(closed.url, { origin: null }).catch((error: Error) => error.message)
    const visitor = await connect(open.url, { origin: null })
    const stranger = await connect(guarded.url, { origin: null })
    const guest = await connect(guarded.url, { origin: null, token: 'x' })
    expect(outcome).toBe('Unexpected server response: 403')
    expect((await visitor.next('joined')).room).toBe('main')
    expect((await stranger.closed).code).toBe(4401)
    expect((await guest.next('joined')).room).toBe('main')
  })

  it('keeps foreign origins out of an open relay too', async () => {
    const { url } = await startRelay({ open: true })
    await expect(connect(url, { origin: 'https://evil.example' })).rejects.toThrow('403')
  })
})

describe('identity', () => {
  it('P9.3 shows a hash of the secret, and the secret to nobody', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    const other = await join(url)
    page.signal('Saved')
    const [signal] = await other.heard(1)
    const hash = createHash('sha256').update(page.secret).digest('base64url').slice(0, 16)
    expect(page.frames[0]).toMatchObject({ type: 'welcome', tab: hash })
    expect(signal?.sender).toEqual({ tab: hash })
    expect(JSON.stringify([page.frames, other.frames])).not.toContain(page.secret)
  })

  it('P9.4 closes with 4401, and says whether the token is missing, expired or wrong', async () => {
    const { url } = await startRelay({ authorize: nameAnn })
    const pages = [await connect(url), await connect(url, { token: 'bad' }), await connect(url, { token: 'expired' })]
    const endings = await Promise.all(pages.map((page) => page.closed))
    const good = await connect(url, { token: 'good' })
    expect(endings.map(({ code, reason }) => `${code} ${reason}`)).toEqual([
      '4401 the token is missing',
      '4401 the token is wrong or revoked',
      '4401 the token has expired',
    ])
    expect(await good.next('welcome')).toMatchObject({ user: 'ann' })
    await good.next('joined')
    good.signal('Saved')
    expect(await good.heard(1)).toMatchObject([{ sender: { user: 'ann', tab: expect.any(String) } }])
  })

  it('P9.5 asks for the right on every join, with and without since, and on every signal', async () => {
    const { url } = await startRelay({ authorize: guardVip })
    const vip = await connect(url, { token: 'vip', rooms: ['vip', 'main'] })
    const { epoch } = await vip.next('joined')
    await vip.next('joined')
    vip.signal('Saved', 'secret', 'vip')
    await vip.heard(1)
    const guest = await connect(url, { token: 'guest', rooms: ['vip', 'main'] })
    await guest.next('joined')
    guest.say({ type: 'join', room: 'vip', since: { epoch, offset: 0 } })
    guest.say({ type: 'join', room: 'vip', since: { age: 60_000 } })
    const denied = guest.signal('Saved')
    const allowed = guest.signal('Ask')
    await guest.heard(1)
    await guest.level()
    const refused = guest.frames.flatMap((frame) =>
      frame.type === 'refused' && frame.code === 'denied' ? [frame.room ?? frame.id] : [],
    )
    expect(refused).toEqual(['vip', 'vip', 'vip', denied])
    expect(guest.signals().map(({ id, offset }) => [id, offset])).toEqual([[allowed, 1]])
  })

  it('P9.6 takes a fresh token without interruption, and takes away the rooms that it does not allow', async () => {
    const rights: Record<string, Rights> = {
      wide: { user: 'ann' },
      narrow: { user: 'ann', join: (room) => room !== 'vip' },
    }
    const { url } = await startRelay({ authorize: (token) => rights[token] })
    const page = await connect(url, { token: 'wide', rooms: ['main', 'vip'] })
    await page.next('joined')
    await page.next('joined')
    page.say({ type: 'token', token: 'narrow' })
    page.signal('Saved', 1, 'vip')
    page.signal('Saved', 2)
    await page.heard(1)
    await page.level()
    expect(page.frames.filter(({ type }) => type === 'welcome')).toHaveLength(2)
    expect(page.frames.filter(({ type }) => type === 'left')).toEqual([{ type: 'left', room: 'vip', code: 'denied' }])
    expect(page.signals().map(({ data }) => data)).toEqual([2])
  })

  it.each(['bob', 'nobody', 'wrong'])('P9.6 closes with 4401 when the fresh token is of %s', async (token) => {
    const rights: Record<string, Rights> = { ann: { user: 'ann' }, bob: { user: 'bob' }, nobody: {} }
    const { url } = await startRelay({ authorize: (token) => rights[token] })
    const page = await connect(url, { token: 'ann' })
    await page.next('joined')
    page.say({ type: 'token', token })
    expect((await page.closed).code).toBe(4401)
  })

  it('ignores a token where none is needed', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.say({ type: 'token', token: 'x' })
    page.signal('Saved')
    expect(await page.heard(1)).toHaveLength(1)
  })

  it('P9.7 closes with 4401 when the rights expire, later if a fresh token came', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const start = Date.now()
    const { url } = await startRelay({ authorize: (token) => ({ expires: start + Number(token) }) })
    const first = await connect(url, { token: '10000' })
    const second = await connect(url, { token: '10000' })
    expect(await first.next('welcome')).toMatchObject({ expiresIn: 10_000 })
    await second.next('joined')
    second.say({ type: 'token', token: '20000' })
    await second.level()
    vi.advanceTimersByTime(10_000)
    expect((await first.closed).code).toBe(4401)
    await second.level()
    vi.advanceTimersByTime(10_000)
    expect((await second.closed).code).toBe(4401)
  })
})

const nameAnn: Authorize = (token) => {
  if (token === 'good') return { user: 'ann' }
  return token === 'expired' ? { user: 'ann', expires: Date.now() - 1 } : undefined
}

const guardVip: Authorize = (token) => ({
  join: (room) => room !== 'vip' || token === 'vip',
  send: (_room, name) => name === 'Ask' || token === 'vip',
})
