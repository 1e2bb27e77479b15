import { SignJWT } from 'jose'
import { expect, it, vi } from 'vitest'
import { connect, join, startRelay } from './protocol-client.js'
import { describeRedis, startRedis } from './redis-server.js'

const SECRET = 'correct-horse-battery-staple-0123'
const KEY = 'the-key-of-the-operator'

function token(user: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: user, iat: now - 60, exp: now + 600 }
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET))
}

interface State {
  readonly instance: { readonly id: string; readonly connections: number }
  readonly others: readonly { readonly id: string; readonly connections: number; readonly log: string }[]
}

describeRedis('two instances on one Redis', () => {
  it('P9.11 take back a token on both, and on one that starts later', async () => {
    const { url: redis } = await startRedis()
    const options = { redis, authSecret: [SECRET], revokeKey: [KEY] }
    const [one, two] = [await startRelay(options), await startRelay(options)]
    const pages = await Promise.all([one, two].map(async ({ url }) => connect(url, { token: await token('ann') })))
    for (const page of pages) await page.next('joined')
    const answer = await fetch(`${one.page}revoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ user: 'ann' }),
    })
    const endings = await Promise.all(pages.map((page) => page.closed))
    const three = await startRelay(options)
    const late = await connect(three.url, { token: await token('ann') })
    expect(answer.status).toBe(200)
    expect(endings.map(({ code }) => code)).toEqual([4401, 4401])
    expect((await late.closed).code).toBe(4401)
  })

  it('show each other on their dashboards, until one is gone', async () => {
    const { url: redis } = await startRedis()
    const options = { redis, dashboardKey: KEY }
    const [one, two] = [await startRelay(options), await startRelay(options)]
    await join(two.url)
    const ask = async (page: string): Promise<State> =>
      (await fetch(`${page}dashboard/state`, { headers: { Authorization: `Bearer ${KEY}` } })).json()
    const patience = { timeout: 20_000, interval: 200 }
    const { instance } = await ask(two.page)
    await vi.waitFor(async () => {
      expect((await ask(one.page)).others).toMatchObject([{ id: instance.id, connections: 1, log: 'ready' }])
    }, patience)
    await two.relay.close()
    await vi.waitFor(async () => expect((await ask(one.page)).others).toEqual([]), patience)
  })

  it('are not ready while Redis is away, and count it', async () => {
    const server = await startRedis()
    const { page } = await startRelay({ redis: server.url, dashboardKey: KEY })
    const status = async (): Promise<number> => (await fetch(`${page}ready`)).status
    const figure = async (): Promise<string | undefined> => {
      const response = await fetch(`${page}metrics`, { headers: { Authorization: `Bearer ${KEY}` } })
      return /^signalpost_log_ready (\d)$/m.exec(await response.text())?.[1]
    }
    const before = [await status(), await figure()]
    await server.kill()
    await vi.waitFor(async () => expect(await status()).toBe(503), { timeout: 20_000 })
    const away = await figure()
    await server.start()
    await vi.waitFor(async () => expect(await status()).toBe(200), { timeout: 20_000 })
    expect([before, away, await figure()]).toEqual([[200, '1'], '0', '1'])
  })
})
