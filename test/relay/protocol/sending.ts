import { describe, expect, it } from 'vitest'
import { type Conversation, pageId } from '../protocol-client.js'
import type { StartRelay } from './suite.js'

export function checkSending(start: StartRelay): void {
  describe('sending', () => {
    it('P6.2 accepts what is in the log, many ids in one frame, after the signals of that turn', async () => {
      const relay = await start()
      const page = await relay.join()
      const ids = [page.signal('Saved', 1), page.signal('Saved', 2), page.signal('Saved', 3)]
      await page.heard(3)
      await page.level()
      expect(acceptedIds(page)).toEqual(ids)
    })

    it('P6.3 accepts a known id again, and logs it once', async () => {
      const relay = await start()
      const first = await relay.join()
      const frame = { type: 'signal', id: pageId(), signal: 'Saved', data: 1 }
      first.say(frame)
      first.say(frame)
      await first.level()
      const second = await relay.connect({ rooms: [] })
      second.say(frame)
      await second.next('accepted')
      const mark = first.signal('Saved', 'mark')
      await first.heard(2)
      await first.level()
      expect(acceptedIds(first)).toEqual([frame.id, frame.id, mark])
      expect(first.signals().map(({ offset, id }) => [offset, id])).toEqual([
        [1, frame.id],
        [2, mark],
      ])
    })

    it.each(['', 'short', 'server:abc', 'x'.repeat(23), 'x'.repeat(60_000), '!'.repeat(22)])(
      'P6.5 refuses an id of another form, number %#',
      async (id) => {
        const relay = await start()
        const page = await relay.join()
        page.say({ type: 'signal', id, signal: 'Saved' })
        expect(await page.next('refused')).toMatchObject({ id, code: 'bad-data' })
        page.signal('Saved')
        expect(await page.heard(1)).toMatchObject([{ offset: 1 }])
      },
    )

    it('P6.8 takes signals for a room that the sender is not in', async () => {
      const relay = await start()
      const listener = await relay.join('news')
      const sender = await relay.connect({ rooms: [] })
      const id = sender.signal('Saved', 1, 'news')
      expect(await listener.heard(1)).toMatchObject([{ id, room: 'news' }])
      expect(await sender.next('accepted')).toMatchObject({ ids: [id] })
    })

    it('P6.4 logs the signals of one connection in the order in which they came, over all rooms', async () => {
      const relay = await start()
      const page = await relay.join('a', 'b')
      for (let count = 0; count < 50; count++) page.signal('Saved', count, count % 3 === 0 ? 'a' : 'b')
      const heard = await page.heard(50)
      expect(heard.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, count) => count))
    })
  })
}

function acceptedIds({ frames }: Conversation): string[] {
  return frames.flatMap((frame) => (frame.type === 'accepted' ? frame.ids : []))
}
