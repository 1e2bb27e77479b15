import { describe, expect, it } from 'vitest'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { join, startRelay } from './protocol-client.js'

const SHOP = { name: 'shop', secret: 's3cret' }
const LIMITED = { name: 'news', secret: 'l1mited', rooms: ['news:*'] }

interface Answer {
  readonly ids?: readonly string[]
  readonly error?: { readonly code: string; readonly text: string }
  readonly results?: readonly { readonly id?: string; readonly code?: string; readonly text?: string }[]
}

async function setup(options: RelayOptions = {}) {
  const started = await startRelay({ publishKey: [SHOP, LIMITED], ...options })
  const ask = async (path: string, secret = SHOP.secret, init: RequestInit = {}) => {
    const response = await fetch(`${started.page}${path}`, { ...init, headers: { Authorization: `Bearer ${secret}` } })
    return { status: response.status, answer: await response.json() }
  }
  async function publish(body: unknown, key = 'k') {
    const headers = { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json', 'Idempotency-Key': key }
    const response = await fetch(`${started.page}publish`, { method: 'POST', headers, body: JSON.stringify(body) })
    const answer: Answer = await response.json()
    return { status: response.status, answer, retryAfter: response.headers.get('retry-after') }
  }
  return { ...started, ask, publish }
}

describe('a published signal that excludes a page', () => {
  it('P11.11 and P3.7 goes to all pages as the same frame, which names the excluded one', async () => {
    const { publish, url } = await setup()
    const [one, two] = [await join(url), await join(url)]
    const { tab } = { tab: '', ...one.frames.find((frame) => frame.type === 'welcome') }
    const { status } = await publish([{ signal: 'Saved', exclude: tab }, { signal: 'Other' }])
    const heard = await Promise.all([one, two].map((page) => page.heard(2)))
    expect(status).toBe(200)
    expect(tab).toMatch(/^[\w-]{16}$/)
    expect(heard[0]?.map(({ signal, exclude }) => [signal, exclude])).toEqual([
      ['Saved', tab],
      ['Other', undefined],
    ])
    expect(heard[1]).toEqual(heard[0])
  })

  it('P11.11 excludes none with a text of another form, which a visitor may have sent', async () => {
    const { publish, url } = await setup()
    const page = await join(url)
    const excludes = [null, '', 'x'.repeat(17), '<script>alert(1)', 'A'.repeat(15)]
    const answers = await Promise.all(
      excludes.map((exclude, index) => publish({ signal: 'Saved', exclude }, `key-${index}`)),
    )
    const wrong = await publish({ signal: 'Saved', exclude: 5 }, 'number')
    expect(answers.map(({ status }) => status)).toEqual(excludes.map(() => 200))
    expect([wrong.status, wrong.answer.error?.code]).toEqual([400, 'bad-data'])
    for (const frame of await page.heard(excludes.length)) expect(frame).not.toHaveProperty('exclude')
  })

  it('P11.11 and P11.4 is another body than one that excludes no page', async () => {
    const { publish } = await setup()
    const statuses = [
      await publish({ signal: 'Saved', exclude: 'A'.repeat(16) }),
      await publish({ signal: 'Saved', exclude: 'A'.repeat(16) }),
      await publish({ signal: 'Saved' }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 409])
  })

  it('P11.11 and P6.6 cannot come from a page', async () => {
    const { url } = await setup()
    const page = await join(url)
    page.say({ type: 'signal', id: 'A'.repeat(22), signal: 'Saved', exclude: 'A'.repeat(16) })
    expect((await page.heard(1))[0]).not.toHaveProperty('exclude')
  })
})

describe('a list that cannot be logged as a whole', () => {
  it('P11.12 gets the fault of each wrong signal, in order', async () => {
    const { publish, url } = await setup()
    const page = await join(url)
    const { status, answer } = await publish([{ signal: 'One' }, { signal: '*' }, { signal: 'Three', rom: 'x' }])
    await publish({ signal: 'After' }, 'after')
    expect([status, answer.error?.code]).toEqual([400, 'bad-name'])
    expect(answer.results?.map(({ id, code }) => [id, code])).toEqual([
      [undefined, 'not-logged'],
      [undefined, 'bad-name'],
      [undefined, 'bad-data'],
    ])
    for (const { text } of answer.results ?? []) expect(text).toMatch(/\.$/)
    expect((await page.heard(1)).map(({ signal }) => signal)).toEqual(['After'])
  })

  it('P11.12 and P11.4 learns what is logged when the log fails in the middle, and a repetition completes it', async () => {
    const log = createMemoryLog()
    let isFull = true
    const append: typeof log.append = (entries) =>
      isFull && entries.some(({ id }) => id.endsWith('.1'))
        ? Promise.reject(new Error('OOM full'))
        : log.append(entries)
    const { publish, url } = await setup({ log: { ...log, append }, retryFor: 1 })
    const page = await join(url)
    const list = [{ signal: 'One' }, { signal: 'Two' }, { signal: 'Three' }]
    const first = await publish(list)
    isFull = false
    const second = await publish(list)
    expect([first.status, first.retryAfter, first.answer.error?.code]).toEqual([503, '5', 'unavailable'])
    expect(first.answer.results?.map(({ id, code }) => id ?? code)).toEqual(['shop:k', 'unavailable', 'unavailable'])
    expect(second).toMatchObject({ status: 200, answer: { ids: ['shop:k', 'shop:k.1', 'shop:k.2'] } })
    expect((await page.heard(3)).map(({ signal }) => signal)).toEqual(['One', 'Two', 'Three'])
  })

  it('P11.12 has no results beside a conflict of all, and a single signal has none at all', async () => {
    const { publish } = await setup()
    await publish([{ signal: 'One' }, { signal: 'Two' }])
    const conflict = await publish([{ signal: 'One' }, { signal: 'Other' }])
    const single = await publish({ signal: '*' }, 'single')
    expect(conflict.answer.results?.map(({ code }) => code)).toEqual(['conflict', 'conflict'])
    expect(single.answer).toEqual({ error: expect.objectContaining({ code: 'bad-name' }) })
  })
})

describe('GET /rooms', () => {
  it('P11.13 lists the rooms with members, largest first, as far as the key reaches', async () => {
    const { ask, url } = await setup()
    const empty = await ask('rooms')
    await join(url, 'main')
    await join(url, 'main', 'news:1')
    const all = await ask('rooms')
    const some = await ask('rooms', LIMITED.secret)
    expect(empty).toEqual({ status: 200, answer: { rooms: [], total: 0 } })
    expect(all.answer).toEqual({
      rooms: [
        { room: 'main', members: 2 },
        { room: 'news:1', members: 1 },
      ],
      total: 2,
    })
    expect(some.answer).toEqual({ rooms: [{ room: 'news:1', members: 1 }], total: 1 })
  })

  it('P11.14 gives the members and the newest position of a room', async () => {
    const { ask, publish, url } = await setup()
    const page = await join(url, 'main')
    const { epoch } = { epoch: '', ...page.frames.find((frame) => frame.type === 'joined') }
    const fresh = await ask('rooms/main')
    await publish([{ signal: 'Saved' }, { signal: 'Saved', room: 'news:1' }])
    const signalled = await ask('rooms/main')
    const logOnly = await ask('rooms/news%3A1', LIMITED.secret)
    expect(fresh.answer).toEqual({ room: 'main', members: 1, position: { epoch, offset: 0 } })
    expect(signalled.answer).toEqual({ room: 'main', members: 1, position: { epoch, offset: 1, id: 'shop:k' } })
    expect(logOnly.answer).toMatchObject({ members: 0, position: { offset: 1, id: 'shop:k.1' } })
  })

  it('P11.15 answers 404 to a room without members and signals, 400 to a bad name, 403 beyond the key', async () => {
    const { ask } = await setup()
    const none = await setup({ publishKey: [] })
    const answers = [
      await ask('rooms/nothing'),
      await ask('rooms/*'),
      await ask('rooms/%zz'),
      await ask('rooms/main', LIMITED.secret),
      await ask('rooms', 'wrong'),
      await none.ask('rooms'),
      await ask('rooms', SHOP.secret, { method: 'POST' }),
    ]
    expect(answers.map(({ status, answer }) => [status, answer.error.code])).toEqual([
      [404, 'not-found'],
      [400, 'bad-name'],
      [400, 'bad-name'],
      [403, 'denied'],
      [401, 'wrong-key'],
      [403, 'no-keys'],
      [405, 'wrong-method'],
    ])
    await expect(startRelay({ path: '/rooms' })).rejects.toThrow('path must be a path like /signals')
  })
})
