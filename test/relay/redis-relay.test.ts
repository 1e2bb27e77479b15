import { expect, it } from 'vitest'
import { connect, join, startRelay } from './protocol-client.js'
import { describeRedis, startRedis } from './redis-server.js'

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
})
