import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SignalLog } from '../../examples/relay/signal-log/log.js'
import { createMemoryLog } from '../../examples/relay/signal-log/memory/log.js'
import { createLatch } from './latch.js'
import { connect, join, pageId, startRelay, type ProtocolClient } from './protocol-client.js'

function acceptedIds({ frames }: ProtocolClient): string[] {
  return frames.flatMap((frame) => (frame.type === 'accepted' ? frame.ids : []))
}

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

/** A log that fails, or that stands still, as long as it is told to. */
function createTroubledLog() {
  const inner = createMemoryLog()
  const state = { failures: 0, tries: 0, isBroken: false, latch: undefined as Promise<void> | undefined }
  const log: SignalLog = {
    ...inner,
    async append(entries) {
      state.tries += 1
      await state.latch
      if (state.isBroken || state.failures-- > 0) throw new Error('The engine is away.')
      return inner.append(entries)
    },
  }
  return { log, state }
}

describe('an acceptance', () => {
  it('takes one flush, at the end of the turn in which it is said', async () => {
    const { url } = await startRelay({ rate: 0 })
    const sender = await connect(url, { rooms: [] })
    await sender.level()
    const later = vi.spyOn(globalThis, 'setImmediate')
    onTestFinished(() => later.mockRestore())
    for (let count = 0; count < 10; count += 1) {
      sender.signal('Saved')
      await sender.next('accepted')
    }
    expect(later.mock.calls.filter(([callback]) => callback.name === 'flush')).toHaveLength(10)
  })
})

describe('sending', () => {
  it('P6.4 keeps the order of one connection over many rooms, with a slow log', async () => {
    const { log, state } = createTroubledLog()
    state.latch = new Promise((resolve) => setImmediate(resolve))
    const { url } = await startRelay({ log })
    const page = await join(url, 'a', 'b')
    for (let count = 0; count < 200; count++) page.signal('Saved', count, count % 3 === 0 ? 'a' : 'b')
    const heard = await page.heard(200)
    expect(heard.map(({ data }) => data)).toEqual(Array.from({ length: 200 }, (_, count) => count))
  })

  it('P6.4 logs together what has arrived together, as far as it goes to one room', async () => {
    const inner = createMemoryLog()
    const latch = createLatch()
    const lists: unknown[][] = []
    const log: SignalLog = {
      ...inner,
      async append(entries) {
        lists.push(entries.map(({ room }) => room))
        await latch.opened
        return inner.append(entries)
      },
    }
    const { url } = await startRelay({ log, rate: 0 })
    const page = await join(url, 'a', 'b')
    const ids = [page.signal('Saved', 0, 'a')]
    await vi.waitFor(() => expect(lists).toHaveLength(1))
    for (const room of ['a', '!', 'a', 'b', ...Array.from({ length: 300 }, () => 'a')]) {
      ids.push(page.signal('Saved', ids.length, room))
    }
    // The answer to a ping overtakes the signals, which have all arrived then.
    page.say({ type: 'ping' })
    await page.next('pong')
    latch.open()
    await page.heard(304)
    await page.level()
    const refused = page.frames.flatMap((frame) => (frame.type === 'refused' && frame.id ? [frame.id] : []))
    expect(refused).toEqual([ids[2]])
    expect(acceptedIds(page)).toEqual(ids.filter((id) => id !== ids[2]))
    expect(lists.map(({ length }) => length)).toEqual([1, 1, 1, 1, 256, 44])
  })

  it('P6.5 takes data of 32 levels, and refuses 33 and 5000', async () => {
    const { url } = await startRelay()
    const page = await join(url)
    page.signal('Deep', JSON.parse(nested(32)))
    const tooDeep = page.signal('Deep', JSON.parse(nested(33)))
    const muchTooDeep = pageId()
    const objects = '{"a":'.repeat(40) + '1' + '}'.repeat(40)
    page.socket.send(`{"type":"signal","id":"${muchTooDeep}","signal":"Deep","data":${nested(5000)}}`)
    const deepObject = page.signal('Deep', JSON.parse(objects))
    await page.level()
    const refused = page.frames.flatMap((frame) =>
      frame.type === 'refused' && frame.id ? [[frame.id, frame.code]] : [],
    )
    expect(page.signals()).toHaveLength(1)
    expect(refused).toEqual([tooDeep, muchTooDeep, deepObject].map((id) => [id, 'bad-data']))
  })

  it('P6.7 says nothing about passing trouble, and then accepts in order', async () => {
    const { log, state } = createTroubledLog()
    const { url } = await startRelay({ log })
    const page = await join(url)
    state.failures = 2
    const ids = [page.signal('Saved', 1), page.signal('Saved', 2)]
    const heard = await page.heard(2)
    await page.level()
    expect(heard.map(({ data }) => data)).toEqual([1, 2])
    expect(acceptedIds(page)).toEqual(ids)
    // The two are tried together if they arrive together.
    expect([3, 4]).toContain(state.tries)
  })

  it('P6.7 closes with 4503 when the trouble does not pass', async () => {
    const { log, state } = createTroubledLog()
    const { url } = await startRelay({ log, retryFor: 10 })
    const page = await join(url)
    const calm = await join(url)
    state.isBroken = true
    page.signal('Saved', 1)
    expect(await page.closed).toMatchObject({ code: 4503 })
    state.isBroken = false
    calm.signal('Saved', 2)
    expect(await calm.heard(1)).toMatchObject([{ offset: 1, data: 2 }])
    expect(acceptedIds(page)).toEqual([])
  })

  it('P6.9 reads no further while very much waits for the log, and drops nothing', async () => {
    const { log, state } = createTroubledLog()
    const { url } = await startRelay({ log, rate: 0 })
    const page = await join(url)
    const latch = createLatch()
    state.latch = latch.opened
    for (let count = 0; count < 5000; count++) page.signal('Saved', count)
    page.say({ type: 'ping' })
    // The relay stops reading: what the kernel does not take stays with the sender, and the ping is not answered.
    const other = await join(url, 'other')
    await other.level()
    const before = page.frames.filter(({ type }) => type === 'pong').length
    latch.open()
    const heard = await page.heard(5000)
    await page.next('pong')
    expect(before).toBe(0)
    expect(heard.map(({ data }) => data)).toEqual(Array.from({ length: 5000 }, (_, count) => count))
  })
})
