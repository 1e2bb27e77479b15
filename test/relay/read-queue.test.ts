import { describe, expect, it } from 'vitest'
import { createReadQueue } from '../../examples/relay/signal-log/redis/read-queue.js'

/** Work that ends when a test says so. */
function setup(atOnce: number) {
  const queue = createReadQueue<string>(atOnce)
  const begun: string[] = []
  const ends: (() => void)[] = []
  let mark = 0
  const ask = (key: string, fails = false, reader?: string) =>
    queue.run(
      key,
      () => mark,
      () => {
        const name = `${key}${begun.length}`
        begun.push(name)
        return new Promise((resolve, reject) => ends.push(() => (fails ? reject(new Error(name)) : resolve(name))))
      },
      reader,
    )
  return {
    queue,
    begun,
    ask,
    change: () => (mark += 1),
    async end(index: number) {
      ends[index]?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('reads in the queue', () => {
  it('are few at a time, and come in the order in which they were asked for', async () => {
    const { begun, ask, end } = setup(2)
    const all = ['a', 'b', 'c', 'd'].map((key) => ask(key))
    expect(begun).toEqual(['a0', 'b1'])
    await end(1)
    expect(begun).toEqual(['a0', 'b1', 'c2'])
    await end(0)
    await end(2)
    await end(3)
    expect(await Promise.all(all)).toEqual(['a0', 'b1', 'c2', 'd3'])
  })

  it('of several readers come in turns, each reader in the order of asking', async () => {
    const { begun, ask, end } = setup(1)
    const all = ['a', 'b', 'c'].map((key) => ask(key, false, 'one'))
    all.push(ask('d', false, 'two'), ask('e', false, 'two'), ask('f'))
    for (let index = 0; index < 6; index += 1) await end(index)
    expect(begun).toEqual(['a0', 'b1', 'd2', 'f3', 'c4', 'e5'])
    expect(await Promise.all(all)).toHaveLength(6)
  })

  it('that several readers wait for come in the first turn of any, and take no second one', async () => {
    const { begun, ask, end } = setup(1)
    const all = ['a', 'b', 'c', 'd'].map((key) => ask(key, false, 'one'))
    all.push(ask('d', false, 'two'), ask('e', false, 'two'), ask('d', false, 'three'))
    for (let index = 0; index < 5; index += 1) await end(index)
    expect(begun).toEqual(['a0', 'b1', 'd2', 'c3', 'e4'])
    expect(await Promise.all(all)).toHaveLength(7)
  })

  it('that wait serve all who ask for the same', async () => {
    const { begun, ask, end, change } = setup(1)
    const first = ask('a')
    const same = ['b', 'b', 'b'].map((key) => {
      change()
      return ask(key)
    })
    await end(0)
    await end(1)
    expect([await first, ...(await Promise.all(same))]).toEqual(['a0', 'b1', 'b1', 'b1'])
    expect(begun).toHaveLength(2)
  })

  it('that are on their way serve others only while nothing was told since', async () => {
    const { ask, end, change } = setup(3)
    const early = [ask('a'), ask('a')]
    change()
    const late = [ask('a'), ask('a')]
    await end(1)
    await end(0)
    expect(await Promise.all([...early, ...late])).toEqual(['a0', 'a0', 'a1', 'a1'])
  })

  it('that are done serve nobody', async () => {
    const { ask, end } = setup(3)
    const first = ask('a')
    await end(0)
    const second = ask('a')
    await end(1)
    expect([await first, await second]).toEqual(['a0', 'a1'])
  })

  it('that must be new share none that is on its way', async () => {
    const { queue } = setup(3)
    let count = 0
    const fresh = () =>
      queue.run(
        'a',
        () => undefined,
        async () => String((count += 1)),
      )
    expect(await Promise.all([fresh(), fresh()])).toEqual(['1', '2'])
  })

  it('that fail do so for all who share them, and hold up nobody', async () => {
    const { ask, end } = setup(1)
    const failing = [ask('a', true), ask('a', true)]
    const next = ask('b')
    const outcomes = Promise.allSettled(failing)
    await end(0)
    await end(1)
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await next).toBe('b1')
  })
})
