import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RelayFrame, Since } from '../../../src/protocol/frames.js'
import type { Conversation } from '../protocol-client.js'
import type { StartRelay, SuiteRelay } from './suite.js'

export function checkSince(start: StartRelay, hasClockElsewhere: boolean): void {
  describe('since', () => {
    it('P4.1 replays after a position', async () => {
      const relay = await start()
      const { epoch, ids } = await fill(relay, 5)
      const inside = await rejoin(relay, { epoch, offset: 3, id: ids[2] })
      const atStart = await rejoin(relay, { epoch, offset: 0 })
      const atHead = await rejoin(relay, { epoch, offset: 5, id: ids[4] })
      expect(inside[0]).toMatchObject({ offset: 3, id: ids[2], head: 5, recovered: true })
      expect(offsets(inside)).toEqual([4, 5])
      expect(atStart[0]).toMatchObject({ offset: 0, head: 5, recovered: true })
      expect(offsets(atStart)).toEqual([1, 2, 3, 4, 5])
      expect(atHead[0]).toMatchObject({ offset: 5, id: ids[4], recovered: true })
      expect(offsets(atHead)).toEqual([])
    })

    it('P4.3 and P4.8 tells an epoch gap to somebody from another epoch, then everything', async () => {
      const relay = await start()
      const { epoch } = await fill(relay, 2)
      const frames = await rejoin(relay, { epoch: 'another', offset: 7, id: 'unknown' })
      expect(frames[0]).toMatchObject({ type: 'joined', epoch, offset: 0, recovered: false })
      expect(frames[1]).toEqual({ type: 'gap', room: 'main', reason: 'epoch', from: 7, epoch, offset: 0 })
      expect(offsets(frames)).toEqual([1, 2])
    })

    it('P4.4 trusts no id at an offset that the present epoch numbered itself', async () => {
      const relay = await start()
      const { ids } = await fill(relay, 3)
      const frames = await rejoin(relay, { epoch: 'another', offset: 2, id: ids[1] })
      expect(frames[1]).toMatchObject({ type: 'gap', reason: 'epoch', from: 2, offset: 0 })
      expect(offsets(frames)).toEqual([1, 2, 3])
    })

    it('P4.5 takes an offset above the head for another epoch', async () => {
      const relay = await start()
      const { epoch } = await fill(relay, 2)
      const frames = await rejoin(relay, { epoch, offset: 3 })
      expect(frames[0]).toMatchObject({ type: 'joined', offset: 0, recovered: false })
      expect(frames[1]).toMatchObject({ type: 'gap', reason: 'epoch', from: 3, offset: 0 })
      expect(offsets(frames)).toEqual([1, 2])
    })

    it.each([
      { epoch: 'a', offset: -1 },
      { epoch: 'a', offset: 1.5 },
      { epoch: 'a', offset: 1e308 },
      { epoch: 'a', offset: '1' },
      { epoch: 'a', offset: null },
      { epoch: 'a', offset: 2 ** 53 },
      { epoch: 'a' },
      { epoch: 'a'.repeat(10_000), offset: 1 },
      { epoch: 1, offset: 1 },
      { epoch: 'a', offset: 1, id: 5 },
      { age: -1 },
      { age: 'all' },
      { age: null },
      [],
      'now',
      5,
    ])('P4.9 closes with 4400 on the since number %#', async (since) => {
      const relay = await start()
      const client = await relay.connect({ rooms: [{ room: 'main', since: since as Since }] })
      expect(await client.closed).toMatchObject({ code: 4400 })
    })

    it('P4.13 replays from the earlier of a position and an age', async () => {
      const relay = await start()
      const { epoch, ids } = await fill(relay, 3)
      const byAge = await rejoin(relay, { epoch, offset: 3, id: ids[2], age: 60_000 })
      const byPosition = await rejoin(relay, { epoch, offset: 1, id: ids[0], age: 0 })
      expect(offsets(byAge)).toEqual([1, 2, 3])
      expect(offsets(byPosition)).toEqual([2, 3])
    })

    if (hasClockElsewhere) return
    it('P4.6 replays by age what is not older', async () => {
      vi.useFakeTimers({ toFake: ['performance'] })
      onTestFinished(() => void vi.useRealTimers())
      const relay = await start()
      vi.advanceTimersByTime(400_000)
      const { sender } = await fill(relay, 2)
      vi.advanceTimersByTime(5000)
      sender.signal('Saved', 3)
      await sender.heard(3)
      const some = await rejoin(relay, { age: 4990 })
      const all = await rejoin(relay, { age: 5000 })
      const none = await rejoin(relay, { age: 0 })
      expect(some[0]).toMatchObject({ offset: 2, recovered: true })
      expect(offsets(some)).toEqual([3])
      expect(offsets(all)).toEqual([1, 2, 3])
      expect(offsets(none)).toEqual([3])
    })
  })
}

/** Logs a number of signals, and gives the epoch and the ids. */
export async function fill(
  relay: SuiteRelay,
  count: number,
): Promise<{ epoch: string; ids: string[]; sender: Conversation }> {
  const sender = await relay.connect()
  const { epoch } = await sender.next('joined')
  const ids = Array.from({ length: count }, (_, index) => sender.signal('Saved', index + 1))
  await sender.heard(count)
  return { epoch, ids, sender }
}

/** Joins with a since, and gives what came: joined, gaps and signals. */
export async function rejoin(relay: SuiteRelay, since: unknown): Promise<RelayFrame[]> {
  // Some of these are wrong on purpose.
  const client = await relay.connect({ rooms: [{ room: 'main', since: since as Since }] })
  const joined = await client.next('joined')
  await client.heard(joined.head - joined.offset)
  await client.level()
  return client.frames.filter(({ type }) => type === 'joined' || type === 'gap' || type === 'signal')
}

/** The offsets of the signals among the frames. */
export function offsets(frames: RelayFrame[]): number[] {
  return frames.flatMap((frame) => (frame.type === 'signal' ? [frame.offset] : []))
}
