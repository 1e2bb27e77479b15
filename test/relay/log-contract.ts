import { expect, it, onTestFinished, vi } from 'vitest'
import type { Entry, SignalLog } from '../../examples/relay/signal-log/log.js'
import { appendOne } from './append-one.js'

/** What every log can be bounded by. */
export interface LogBounds {
  readonly history?: number
  readonly historyMs?: number
  readonly window?: number
}

/** What every log promises. Time is real here, because an engine's clock is its own. */
export function itKeepsTheContract(create: (bounds: LogBounds) => Promise<SignalLog>): void {
  async function setup(bounds: LogBounds = {}) {
    const log = await create(bounds)
    onTestFinished(() => log.close())
    await log.open()
    const add = (id: string, room = 'main', data: unknown = null) =>
      appendOne(log, { room, id, prefix: `{"type":"signal","id":"${id}","data":${JSON.stringify(data)}` })
    /** Reads until what was read is as wanted; fails with what is not. */
    const readUntil = (after: number | 'end', wanted: (page: Awaited<ReturnType<SignalLog['read']>>) => void) =>
      vi.waitFor(async () => wanted(await log.read('main', after, 100)), WAITING)
    return { log, add, readUntil }
  }

  it('numbers entries, finishes their frames, and reads on from any of them', async () => {
    const { log, add } = await setup()
    const before = Date.now()
    for (const id of ['a', 'b', 'c']) await add(id)
    const whole = await log.read('main', 0, 10)
    expect(whole).toMatchObject({ base: 0, floor: 0, head: 3 })
    expect(whole.entries.map(({ offset, id }) => [offset, id])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    const frame = frameOf(whole.entries[1])
    expect(frame).toEqual({ type: 'signal', id: 'b', data: null, offset: 2, at: expect.any(Number) })
    expect(frame.at).toBeGreaterThanOrEqual(before - 1)
    expect(frame.at).toBeLessThanOrEqual(Date.now() + 1)
    expect(await log.read('main', 1, 1)).toMatchObject({ id: 'a', head: 3, entries: [{ id: 'b' }] })
    expect(await log.read('main', 'end', 10)).toMatchObject({ id: 'c', head: 3, entries: [] })
    expect(await log.read('main', 7, 10)).toMatchObject({ head: 3, entries: [] })
  })

  it('appends a list in order, with a result for each of its signals', async () => {
    const { log, add } = await setup()
    await add('b')
    const list = ['a', 'b', 'c', 'a'].map((id) => ({ room: 'main', id, prefix: `{"id":"${id}"` }))
    expect(await log.append(list)).toEqual(['logged', 'known', 'logged', 'known'])
    const { entries } = await log.read('main', 0, 10)
    expect(entries.map(({ offset, id }) => [offset, id])).toEqual([
      [1, 'b'],
      [2, 'a'],
      [3, 'c'],
    ])
  })

  it('keeps rooms apart, whatever they are called', async () => {
    const { log, add } = await setup()
    const rooms = ['main', 'constructor', 'a.b:c-d_e', 'x'.repeat(128)]
    for (const [index, room] of rooms.entries())
      for (let count = 0; count <= index; count++) await add(`${index}-${count}`, room)
    const heads = await Promise.all(rooms.map(async (room) => (await log.read(room, 'end', 1)).head))
    expect(heads).toEqual([1, 2, 3, 4])
    expect((await log.read('never-used', 0, 1)).head).toBe(0)
  })

  it('carries every text unchanged', async () => {
    const { log, add } = await setup()
    const texts = ['', '"\\\n\r\n\u0000\u2028', '€ 😀 \ud83d', 'x'.repeat(70_000), '{"a": [1 2 3]}']
    const heard: Entry[] = []
    log.subscribe('main', (_epoch, entry) => entry && heard.push(entry))
    await log.read('main', 'end', 1)
    for (const [index, text] of texts.entries()) await add(`${index}`, 'main', text)
    const { entries } = await log.read('main', 0, 10)
    expect(entries.map((entry) => frameOf(entry).data)).toEqual(texts)
    await vi.waitFor(() => expect(heard).toEqual(entries), WAITING)
  })

  it('remembers an id for the window', async () => {
    const { add } = await setup({ window: 1000 })
    expect([await add('a'), await add('a'), await add('b')]).toEqual(['logged', 'known', 'logged'])
    await vi.waitFor(async () => expect(await add('c')).toBe('logged'), WAITING)
    await vi.waitUntil(() => add('b').then((answer) => answer === 'logged'), { timeout: 10_000, interval: 1500 })
  })

  it('tells another body under the same id, in whatever room', async () => {
    const { log } = await setup()
    const entry = { room: 'main', id: 'shop:order-1', prefix: '{"a":1', digest: 'one' }
    const answers = [
      await appendOne(log, entry),
      await appendOne(log, entry),
      await appendOne(log, { ...entry, digest: 'two' }),
      await appendOne(log, { ...entry, digest: 'three', room: 'other' }),
    ]
    expect(answers).toEqual(['logged', 'known', 'conflict', 'conflict'])
    expect((await log.read('main', 'end', 1)).head).toBe(1)
  })

  it('keeps so many entries, and knows the id of the last that it dropped', async () => {
    const { log, add } = await setup({ history: 3 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) await add(id)
    const page = await log.read('main', 0, 10)
    expect(page).toMatchObject({ floor: 2, head: 5, floorId: 'b' })
    expect(page.entries.map(({ offset }) => offset)).toEqual([3, 4, 5])
    expect((await log.read('main', 2, 10)).id).toBe('b')
    expect((await log.read('main', 1, 10)).entries.map(({ offset }) => offset)).toEqual([3, 4, 5])
  })

  it('keeps entries no longer than said, and goes on counting', async () => {
    const { add, readUntil } = await setup({ historyMs: 100 })
    await add('a')
    await add('b')
    await readUntil(0, (page) => expect(page).toMatchObject({ floor: 2, head: 2, entries: [] }))
    await add('c')
    await readUntil(2, (page) => expect(page).toMatchObject({ floor: 2, head: 3 }))
  })

  it('drops what is too old while new entries come', async () => {
    const { log, add } = await setup({ historyMs: 200 })
    await add('first')
    await vi.waitFor(async () => {
      await add(String(Math.random()))
      const { floor, head, entries } = await log.read('main', 0, 1000)
      expect(floor).toBeGreaterThan(1)
      expect(entries).toHaveLength(head - floor)
    }, WAITING)
  })

  it('finds what is not older than an age, and tells when there may have been more', async () => {
    const { log, add } = await setup({ history: 3 })
    await log.read('main', 'end', 1)
    // The log reaches back a little further than what is asked for.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const openedAt = performance.now()
    for (const id of ['a', 'b']) await add(id)
    // The log counts the age from when it is asked: a slow answer is about a later time.
    const findAll = () => log.find('main', performance.now() - openedAt + 1)
    await vi.waitFor(async () => expect(await findAll()).toEqual({ after: 0 }), WAITING)
    expect(await log.find('main', 3_600_000)).toEqual({ after: 0, lost: 'epoch' })
    for (const id of ['c', 'd', 'e']) await add(id)
    await vi.waitFor(async () => expect(await findAll()).toEqual({ after: 2, lost: 'trimmed' }), WAITING)
    await vi.waitFor(async () => expect(await log.find('main', 0)).toEqual({ after: 5 }), WAITING)
  })

  it('reads on over pages that are as long as it likes', async () => {
    const { log, add } = await setup()
    for (let count = 1; count <= 30; count++) await add(`${count}`, 'main', 'x'.repeat(30_000))
    const pages: number[][] = []
    for (let after = 0; after < 30; after = pages.at(-1)?.at(-1) ?? 30) {
      const { entries, head } = await log.read('main', after, 20)
      pages.push(entries.map(({ offset }) => offset))
      expect(head).toBe(30)
    }
    expect(pages.flat()).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
    expect(Math.max(...pages.map(({ length }) => length))).toBeLessThanOrEqual(20)
  })

  it('keeps what the instances tell each other of revocations, whatever it keeps of the rest', async () => {
    const { log, add } = await setup({ history: 2, historyMs: 100, window: 100 })
    for (const id of ['a', 'b', 'c']) await add(id, '$revocations')
    await vi.waitFor(async () => {
      await add(String(Math.random()))
      expect((await log.read('main', 0, 100)).floor).toBeGreaterThan(3)
    }, WAITING)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { floor, entries } = await log.read('$revocations', 0, 100)
    expect([floor, entries.map(({ id }) => id)]).toEqual([0, ['a', 'b', 'c']])
    expect((await log.find('$revocations', 60_000)).after).toBe(0)
  })

  it('tells followers of every entry after a reading, in order, until they stop', async () => {
    const { log, add } = await setup()
    const heard: [string, number | undefined][] = []
    const also: number[] = []
    const stop = log.subscribe('main', (epoch, entry) => heard.push([epoch, entry?.offset]))
    log.subscribe('main', (_epoch, entry) => also.push(entry?.offset ?? 0))
    const { epoch } = await log.read('main', 'end', 1)
    for (const id of ['a', 'b', 'c']) await add(id)
    await add('elsewhere', 'other')
    await vi.waitFor(() => expect(also).toEqual([1, 2, 3]), WAITING)
    expect(heard).toEqual([1, 2, 3].map((offset) => [epoch, offset]))
    stop()
    stop()
    await add('d')
    await vi.waitFor(() => expect(also).toEqual([1, 2, 3, 4]), WAITING)
    expect(heard).toHaveLength(3)
  })

  it('logs many at a time without a hole, and no id twice', async () => {
    const { log, add } = await setup()
    const ids = Array.from({ length: 200 }, (_, index) => `id-${index % 100}`)
    const answers = await Promise.all(ids.map((id) => add(id)))
    expect(answers.filter((answer) => answer === 'logged')).toHaveLength(100)
    const { entries, head } = await log.read('main', 0, 1000)
    expect(head).toBe(100)
    expect(entries.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })
}

/** Long enough for a busy machine. */
const WAITING = { timeout: 10_000, interval: 20 }

function frameOf(entry: Entry | undefined): Record<string, unknown> {
  const text = entry?.frame.toString() ?? ''
  return JSON.parse(text.slice(text.indexOf('{')))
}
