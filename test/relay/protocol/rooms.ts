import { describe, expect, it } from 'vitest'
import type { Conversation } from '../protocol-client.js'
import type { StartRelay } from './suite.js'

export function checkRooms(start: StartRelay): void {
  describe('a room', () => {
    it('P3.1 numbers its signals from 1 without holes', async () => {
      const relay = await start()
      const page = await relay.join()
      for (let count = 0; count < 50; count++) page.signal('Saved', count)
      const heard = await page.heard(50)
      expect(heard.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    })

    it('P3.2 and P3.9 sends joined, then the replay in order, then live signals', async () => {
      const relay = await start()
      const sender = await relay.join()
      for (const data of [1, 2, 3]) sender.signal('Saved', data)
      await sender.heard(3)
      const { epoch } = position(sender)
      const receiver = await relay.connect({ rooms: [{ room: 'main', since: { epoch, offset: 1 } }] })
      const joined = await receiver.next('joined')
      sender.signal('Saved', 4)
      const heard = await receiver.heard(3)
      expect(joined).toMatchObject({ offset: 1, head: 3, recovered: true, epoch })
      expect(heard.map(({ offset, data }) => [offset, data])).toEqual([
        [2, 2],
        [3, 3],
        [4, 4],
      ])
      expect(types(receiver)).toEqual(['welcome', 'joined', 'signal', 'signal', 'signal'])
    })

    it('P3.3 starts now for a join without since', async () => {
      const relay = await start()
      const sender = await relay.join()
      const first = sender.signal('Saved', 'before')
      await sender.heard(1)
      const receiver = await relay.connect()
      const joined = await receiver.next('joined')
      sender.signal('Saved', 'after')
      const heard = await receiver.heard(1)
      expect(joined).toMatchObject({ offset: 1, head: 1, id: first, recovered: true })
      expect(heard.map(({ data }) => data)).toEqual(['after'])
    })

    it('P3.4 begins again when it is joined again, and then delivers each offset once', async () => {
      const relay = await start()
      const page = await relay.join()
      for (const data of [1, 2, 3]) page.signal('Saved', data)
      await page.heard(3)
      const { epoch } = position(page)
      page.say({ type: 'join', room: 'main', since: { epoch, offset: 1 } })
      page.signal('Saved', 4)
      await page.heard(6)
      await page.level()
      expect(page.signals().map(({ offset }) => offset)).toEqual([1, 2, 3, 2, 3, 4])
    })

    it('P3.5 is silent after leave, and leaving twice does nothing', async () => {
      const relay = await start()
      const page = await relay.join('main', 'news')
      page.say({ type: 'leave', room: 'news' })
      page.say({ type: 'leave', room: 'news' })
      page.say({ type: 'leave', room: 'elsewhere' })
      page.signal('Saved', 1, 'news')
      page.signal('Saved', 2)
      await page.level()
      await page.heard(1)
      expect(page.signals().map(({ data }) => data)).toEqual([2])
    })

    it('P3.7 gives everybody the same frames in one order, the sender included', async () => {
      const relay = await start()
      const pages = [await relay.join(), await relay.join(), await relay.join()]
      for (let count = 0; count < 100; count++) pages[count % 3]?.signal('Saved', count)
      const heard = await Promise.all(pages.map((page) => page.heard(100)))
      expect(heard[1]).toEqual(heard[0])
      expect(heard[2]).toEqual(heard[0])
    })

    it('P3.10 hands over again what a client says it has not handled', async () => {
      const relay = await start()
      const first = await relay.join()
      for (const data of [1, 2, 3]) first.signal('Saved', data)
      await first.heard(3)
      const { epoch } = position(first)
      first.cut()
      const second = await relay.connect({ rooms: [{ room: 'main', since: { epoch, offset: 0 } }] })
      const heard = await second.heard(3)
      expect(heard.map(({ data }) => data)).toEqual([1, 2, 3])
    })

    it('P2.8 that a hello lists again is joined once, from where the hello says last', async () => {
      const relay = await start()
      const sender = await relay.join()
      for (const data of [1, 2, 3]) sender.signal('Saved', data)
      await sender.heard(3)
      const { epoch } = position(sender)
      const rooms = [0, 1, 2].map((offset) => ({ room: 'main', since: { epoch, offset } }))
      const page = await relay.connect({ rooms })
      await page.level()
      expect(types(page).slice(0, -1)).toEqual(['welcome', 'joined', 'signal'])
    })

    it('P2.8 is refused with all others where a hello lists more than 256', async () => {
      const relay = await start()
      const list = (count: number): string[] => Array.from({ length: count }, (_, index) => `?${index}`)
      const most = await relay.connect({ rooms: list(256) })
      for (let count = 0; count < 80; count += 1) await most.next('refused')
      const tooMany = await relay.connect({ rooms: list(257) })
      expect((await tooMany.closed).code).toBe(4400)
      expect(tooMany.frames).toEqual([])
    })

    it('P3.6 of a bad name is refused, and the other rooms go on', async () => {
      const relay = await start()
      const page = await relay.connect({ rooms: ['main', 'a}b{c', 'news'] })
      const refusal = await page.next('refused')
      await page.next('joined')
      page.signal('Saved', 1)
      page.signal('Saved', 2, 'news')
      const heard = await page.heard(2)
      expect(refusal).toMatchObject({ room: 'a}b{c', code: 'bad-name', text: expect.any(String) })
      expect(heard.map(({ room }) => room)).toEqual(['main', 'news'])
    })
  })
}

function position({ frames }: Conversation): { epoch: string } {
  const joined = frames.find((frame) => frame.type === 'joined')
  if (!joined) throw new Error('Not joined')
  return { epoch: joined.epoch }
}

function types({ frames }: Conversation): string[] {
  return frames.map(({ type }) => type).filter((type) => type !== 'beat')
}
