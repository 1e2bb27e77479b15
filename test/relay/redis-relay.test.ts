import { SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { connect, join, pageId, startRelay } from './protocol-client.js'
import { describeRedis, startRedis } from './redis-server.js'

const SECRET = 'correct-horse-battery-staple-0123'
const KEY = 'the-key-of-the-backend'

function tokenOf(user: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: user, iat: now - 60, exp: now + 600 }
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET))
}

async function revoke(page: string, user: string): Promise<void> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  const answer = await fetch(`${page}revoke`, { method: 'POST', headers, body: JSON.stringify({ user }) })
  expect(answer.status).toBe(200)
}

describeRedis('relays on one Redis', () => {
  it('hand on what was sent to any of them, in one order, to everybody', async () => {
    const redis = await startRedis()
    const relays = [await startRelay({ redis: redis.url }), await startRelay({ redis: redis.url })]
    const pages = await Promise.all([...relays, ...relays].map(({ url }) => join(url)))
    for (let count = 0; count < 25; count++) for (const page of pages) page.signal('Saved', count)
    const heard = await Promise.all(pages.map((page) => page.heard(100)))
    const [first] = heard
    expect(first?.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    for (const other of heard) expect(other).toEqual(first)
  })

  it('take up on any of them where a page was on another', async () => {
    const redis = await startRedis()
    const [one, two] = [await startRelay({ redis: redis.url }), await startRelay({ redis: redis.url })]
    const page = await connect(one.url)
    const { epoch } = await page.next('joined')
    const first = page.signal('Saved', 1)
    await page.heard(1)
    page.socket.terminate()
    const other = await join(two.url)
    other.signal('Saved', 2)
    await other.heard(1)
    const back = await connect(two.url, { rooms: [{ room: 'main', since: { epoch, offset: 1, id: first } }] })
    expect(await back.next('joined')).toMatchObject({ epoch, offset: 1, id: first, head: 2, recovered: true })
    expect(await back.heard(1)).toMatchObject([{ offset: 2, data: 2 }])
    back.say({ type: 'signal', id: first, signal: 'Saved', data: 1 })
    expect(await back.next('accepted')).toEqual({ type: 'accepted', ids: [first] })
    await back.level()
    expect(back.signals()).toHaveLength(1)
  })

  it('P11.4 know on each of them what a backend sent through another', async () => {
    const redis = await startRedis()
    const options = { redis: redis.url, publishKey: [{ name: 'shop', secret: 'a-secret-of-the-shop' }] }
    const [one, two] = [await startRelay(options), await startRelay(options)]
    const page = await join(one.url, 'main', 'other')
    const publish = async (port: number, body: unknown) => {
      const response = await fetch(`http://127.0.0.1:${port}/publish`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer a-secret-of-the-shop',
          'content-type': 'application/json',
          'idempotency-key': 'order-1',
        },
        body: JSON.stringify(body),
      })
      return [response.status, await response.json()]
    }
    const body = [
      { signal: 'Saved', data: 1 },
      { signal: 'Saved', room: 'other' },
    ]
    const first = await publish(one.port, body)
    expect(first).toEqual([200, { ids: ['shop:order-1', 'shop:order-1.1'] }])
    expect(await publish(two.port, body)).toEqual(first)
    expect((await publish(two.port, { signal: 'Saved', data: 2 }))[0]).toBe(409)
    expect((await publish(two.port, { signal: 'Saved', data: 1, room: 'third' }))[0]).toBe(409)
    await page.level()
    const heard = await page.heard(2)
    expect(heard.map(({ id }) => id)).toEqual(['shop:order-1', 'shop:order-1.1'])
  })

  it('S17 put a revoked user out on each of them, mostly within a second, and on those that start later', async () => {
    const redis = await startRedis()
    const options = { redis: redis.url, authSecret: [SECRET], revokeKey: [KEY], historyMs: 100, history: 2 }
    const [one, two] = [await startRelay(options), await startRelay(options)]
    const delays: number[] = []
    const users = Array.from({ length: 7 }, (_, index) => `user-${index}`)
    for (const user of users) {
      const token = await tokenOf(user)
      const pages = [await connect(one.url, { token }), await connect(two.url, { token })]
      for (const page of pages) await page.next('joined')
      const since = performance.now()
      await revoke(one.page, user)
      const codes = (await Promise.all(pages.map((page) => page.closed))).map(({ code }) => code)
      delays.push(performance.now() - since)
      expect(codes).toEqual([4401, 4401])
    }
    // News comes at once. A machine that is busy may hold up some of it, but not most.
    expect(delays.toSorted((a, b) => a - b)[3]).toBeLessThan(1000)
    // What was in other rooms is forgotten by now.
    await new Promise((resolve) => setTimeout(resolve, 300))
    const three = await startRelay(options)
    for (const user of users) {
      const late = await connect(three.url, { token: await tokenOf(user) })
      expect((await late.closed).code).toBe(4401)
    }
  })

  it('P10.1 take on each of them what a leaving page may have sent through another', async () => {
    const redis = await startRedis()
    const [one, two] = [await startRelay({ redis: redis.url }), await startRelay({ redis: redis.url })]
    const page = await join(one.url)
    const sent = page.signal('Saved', 1)
    await page.heard(1)
    const unsent = pageId()
    const signals = [sent, unsent].map((id, index) => ({ id, signal: 'Saved', data: index + 1 }))
    const response = await fetch(`http://127.0.0.1:${two.port}/signals`, {
      method: 'POST',
      headers: { origin: 'http://localhost', 'content-type': 'text/plain' },
      body: JSON.stringify({ v: 1, tab: page.secret, signals }),
    })
    expect(await response.json()).toEqual({ accepted: [sent, unsent], refused: [] })
    const heard = await page.heard(2)
    expect(heard.map(({ offset, data }) => [offset, data])).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(heard[1]?.sender).toEqual(heard[0]?.sender)
  })
})
