import { describe, expect, it } from 'vitest'
import { pass, WELCOME } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { codes, connect, errors, online, relay, restartRelay } = useClients()

describe('what waits to be sent', () => {
  it('lets the latest win among waiting signals of one name, room and key', async () => {
    const client = connect()
    const old = client.sendSignal('A', 1, { key: 'k' })
    void client.sendSignal('A', 2, { key: 'other' })
    void client.sendSignal('A', 3, { key: 'k', room: 'side' })
    void client.sendSignal('A', 4, { key: 'k' })
    expect(await old).toMatchObject({ outcome: 'dropped', error: { code: 'replaced' } })
    await pass()
    expect(
      relay()
        .sent('signal')
        .map(({ data }) => data),
    ).toEqual([2, 3, 4])
    expect(codes()).toEqual([])
  })

  it('P6.11 never replaces a signal that a socket already had', async () => {
    const client = await online()
    relay().isAnswering = false
    const results = [client.sendSignal('A', 1, { key: 'k' }), client.sendSignal('A', 2, { key: 'k' })]
    await pass()
    const ids = relay()
      .sent('signal')
      .map(({ id }) => id)
    relay().send({ type: 'accepted', ids })
    expect((await Promise.all(results)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted'])
  })

  it('tells expired, which never left the page, from unknown, which may have arrived', async () => {
    relay().isAnswering = false
    const client = connect()
    const never = client.sendSignal('A', 1, { ttl: 1000 })
    await pass(1500)
    expect(await never).toMatchObject({ outcome: 'expired', error: { code: 'expired' } })
    relay().isAnswering = true
    await pass(30_000)
    expect(client.status.state).toBe('online')
    relay().isAnswering = false
    const perhaps = client.sendSignal('A', 2, { ttl: 1000 })
    await pass(1500)
    expect(await perhaps).toMatchObject({ outcome: 'unknown' })
    expect(codes().filter((code) => code === 'expired')).toHaveLength(2)
    expect(errors.at(-1)?.message).toContain('Send it again')
  })

  it('gives up after ten minutes at the latest', async () => {
    relay().stop()
    const client = connect()
    const result = client.sendSignal('A')
    await pass(600_000)
    expect(await result).toMatchObject({ outcome: 'expired' })
  })

  it.each([
    [900_000, 600_000],
    [300_000, 240_000],
    [60_000, 30_000],
  ])('S82 with a relay that remembers ids for %i ms, gives up on what it sent after %i ms', async (window, limit) => {
    const client = await online()
    relay().isAnswering = false
    relay().send({ ...WELCOME, window })
    const result = client.sendSignal('A')
    const outcomes: string[] = []
    void result.then(({ outcome }) => outcomes.push(outcome))
    for (let passed = 0; passed < limit - 5000; passed += 5000) {
      relay().send({ type: 'beat' })
      await pass(5000)
    }
    expect(outcomes).toEqual([])
    await pass(5000)
    expect(outcomes).toEqual(['unknown'])
  })

  it('drops what no longer fits into 256 waiting signals, and keeps those', async () => {
    const client = connect()
    const results = Array.from({ length: 257 }, (_, index) => client.sendSignal('A', index))
    expect(await results[256]).toMatchObject({ outcome: 'dropped', error: { code: 'outbox-full' } })
    await pass()
    expect(relay().sent('signal')).toHaveLength(256)
    expect(codes()).toEqual(['outbox-full'])
    expect(errors[0]?.message).toContain('key')
  })

  it('drops what no longer fits into 1 MiB', async () => {
    const client = connect()
    const big = 'x'.repeat(60_000)
    const results = Array.from({ length: 18 }, () => client.sendSignal('A', big))
    expect(await results[17]).toMatchObject({ outcome: 'dropped' })
    await pass()
    expect((await Promise.all(results.slice(0, 17))).every(({ outcome }) => outcome === 'accepted')).toBe(true)
  })

  it('refuses a waiting signal that turns out larger than the relay takes', async () => {
    restartRelay({ maxBytes: 1024 })
    const client = connect()
    const results = [client.sendSignal('A', 'x'.repeat(2000)), client.sendSignal('A', 'small')]
    await pass()
    expect(await Promise.all(results)).toMatchObject([
      { outcome: 'refused', error: { code: 'too-large' } },
      { outcome: 'accepted' },
    ])
    expect(() => client.sendSignal('A', 'x'.repeat(2000))).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  it('keeps the waiting signal when the newer one of its key does not fit', async () => {
    relay().stop()
    const client = connect()
    for (let count = 0; count < 17; count += 1) void client.sendSignal('Fill', 'x'.repeat(60_000))
    const old = client.sendSignal('A', 1, { key: 'k' })
    const newer = client.sendSignal('A', 'x'.repeat(60_000), { key: 'k' })
    restartRelay()
    await pass(3000)
    expect(await Promise.all([old, newer])).toMatchObject([
      { outcome: 'accepted' },
      { outcome: 'dropped', error: { code: 'outbox-full' } },
    ])
  })

  it.each([1009, 4413])(
    'P13.2 ends the largest of the unanswered signals as too large when the relay closes with %i',
    async (code) => {
      const client = await online()
      relay().isAnswering = false
      const results = [10, 60_000, 20].map((size) => client.sendSignal('A', 'x'.repeat(size)))
      await pass()
      relay().isAnswering = true
      relay().close(code)
      await pass(2000)
      expect(await Promise.all(results)).toMatchObject([
        { outcome: 'accepted' },
        { outcome: 'refused', error: { code: 'too-large' } },
        { outcome: 'accepted' },
      ])
    },
  )
})
