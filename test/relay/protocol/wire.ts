import { describe, expect, it } from 'vitest'
import { pageId } from '../protocol-client.js'
import type { StartRelay } from './suite.js'

export function checkWire(start: StartRelay): void {
  describe('the wire', () => {
    it('P1.1 closes with 1003 on a binary message', async () => {
      const relay = await start()
      const page = await relay.join()
      page.write(new TextEncoder().encode('{"type":"ping"}'))
      expect(await page.closed).toMatchObject({ code: 1003 })
    })

    it('P1.2 and P6.6 hands on known fields only, and says the others itself', async () => {
      const relay = await start()
      const page = await relay.join()
      const id = pageId()
      const forged = { offset: 99, at: 5, sender: { user: 'root' }, epoch: 'x', user: 'root', extra: true }
      page.say({ type: 'signal', id, signal: 'Saved', data: 1, ...forged })
      const heard = await page.heard(1)
      const tab = page.frames[0] as { tab?: string }
      expect(heard).toEqual([
        {
          type: 'signal',
          id,
          signal: 'Saved',
          data: 1,
          room: 'main',
          offset: 1,
          at: expect.any(Number),
          sender: { tab: tab.tab },
        },
      ])
    })

    it('P1.3 ignores a frame of an unknown type', async () => {
      const relay = await start()
      const page = await relay.join()
      page.say({ type: 'whisper', to: 'nobody' })
      page.signal('Saved')
      expect(await page.heard(1)).toHaveLength(1)
    })

    it.each([
      'x',
      '',
      '[]',
      '"hello"',
      '5',
      'null',
      '{}',
      '{"type":5}',
      '{"type":"signal"}',
      '{"type":"signal","id":5,"signal":"Saved"}',
      '{"type":"signal","id":"a","signal":null}',
      '{"type":"signal","id":"a","signal":"Saved","room":5}',
      '{"type":"join"}',
      '{"type":"join","room":["main"]}',
      '{"type":"leave"}',
      '{"type":"token"}',
      '{"type":"accepted","ids":[]}',
      '{"type":"joined"}',
      '{"type":"gap"}',
      '{"type":"welcome"}',
      '{"type":"pong"}',
      '{"type":"beat"}',
      '{"type":"left"}',
      '{"type":"refused"}',
      '{"type":"goodbye"}',
    ])('P1.4 closes with 4400 on %s', async (text) => {
      const relay = await start()
      const page = await relay.join()
      page.write(text)
      expect(await page.closed).toMatchObject({ code: 4400 })
    })

    it('P1.4 closes with 4400 on nesting that overflows the reader', async () => {
      const relay = await start()
      const page = await relay.join()
      page.write(`{"\\u0074ype":"signal","data":${nested(15_000)}}`)
      expect(await page.closed).toMatchObject({ code: 4400 })
    })

    it('P1.5 takes a frame of exactly maxBytes, and closes with 1009 on one byte more', async () => {
      const relay = await start()
      const page = await relay.join()
      const fitting = frameOf(65_536)
      page.write(fitting)
      const heard = await page.heard(1)
      page.write(frameOf(65_537))
      expect(Buffer.byteLength(fitting)).toBe(65_536)
      expect(heard).toHaveLength(1)
      expect(await page.closed).toMatchObject({ code: 1009 })
    })

    it.each(['constructor', 'toString', 'hasOwnProperty', 'a', 'A.b:c_d-9', 'x'.repeat(128)])(
      'P1.6 takes the name %s',
      async (name) => {
        const relay = await start()
        const page = await relay.join(name)
        page.signal(name, 1, name)
        expect(await page.heard(1)).toMatchObject([{ signal: name, room: name }])
      },
    )

    it.each([
      '__proto__',
      '*',
      '',
      'x'.repeat(129),
      'a\r\nb',
      'a\n',
      'a\u0000',
      'a\u202E',
      '9a',
      '../x',
      'a}b{c',
      'a b',
    ])('P1.6 refuses the name %j', async (name) => {
      const relay = await start()
      const page = await relay.join()
      const asSignal = page.signal(name)
      const asRoom = page.signal('Saved', 1, name)
      page.say({ type: 'join', room: name })
      const refusals = [await page.next('refused'), await page.next('refused'), await page.next('refused')]
      expect(refusals.map(({ id, room, code }) => [id ?? room, code])).toEqual([
        [asSignal, 'bad-name'],
        [asRoom, 'bad-name'],
        [name, 'bad-name'],
      ])
    })

    it.each([
      '{"__proto__":{"admin":true},"kept":1}',
      '{"\\u005f_proto__":{"admin":true},"kept":1}',
      '{"deep":[{"__proto__":{"admin":true}}],"kept":1}',
      '{"constructor":{"prototype":{"admin":true}},"kept":1}',
    ])('P1.7 lets no prototype through in %s', async (data) => {
      const relay = await start()
      const page = await relay.join()
      page.write(`{"type":"signal","id":"${pageId()}","signal":"Saved","data":${data}}`)
      const [signal] = await page.heard(1)
      expect(JSON.stringify(signal)).not.toContain('__proto__')
      expect(signal?.data).toMatchObject({ kept: 1 })
      expect(({} as { admin?: boolean }).admin).toBeUndefined()
      expect((Object.assign({}, signal?.data) as { admin?: boolean }).admin).toBeUndefined()
    })
  })

  describe('hello', () => {
    it.each([
      { type: 'ping' },
      { type: 'signal', id: 'AAAAAAAAAAAAAAAAAAAAAA', signal: 'Saved' },
      { type: 'join', room: 'main' },
      { type: 'whisper' },
    ])('P2.3 comes before $type, or the connection closes with 4400', async (frame) => {
      const relay = await start()
      const listener = await relay.join()
      const page = await relay.connect({ rooms: null })
      page.say(frame)
      expect(await page.closed).toMatchObject({ code: 4400 })
      await listener.level()
      expect(listener.signals()).toEqual([])
    })

    it('P2.3 is not said twice', async () => {
      const relay = await start()
      const page = await relay.join()
      page.say({ type: 'hello', v: 1, tab: page.secret, rooms: [] })
      expect(await page.closed).toMatchObject({ code: 4400 })
    })

    it('P2.4 of another version closes with 4426 and says which the relay speaks', async () => {
      const relay = await start()
      const page = await relay.connect({ rooms: null })
      page.say({ type: 'hello', v: 2, tab: page.secret, rooms: [] })
      expect(await page.closed).toEqual({ code: 4426, reason: 'this relay speaks version 1' })
    })

    it.each([{ tab: 'short' }, { rooms: 'main' }, { rooms: [5] }, { token: 5 }, { v: '1' }, { v: undefined }])(
      'P1.4 closes with 4400 on a hello with %j',
      async (fields) => {
        const relay = await start()
        const page = await relay.connect({ rooms: null })
        page.say({ type: 'hello', v: 1, tab: page.secret, rooms: [], ...fields })
        expect(await page.closed).toMatchObject({ code: 4400 })
      },
    )

    it('P2.6 joins its rooms in the order of the list', async () => {
      const relay = await start()
      const page = await relay.connect({ rooms: ['c', 'a', '*', 'b'] })
      await page.level()
      expect(
        page.frames.slice(0, 5).map((frame) => ('room' in frame ? `${frame.type} ${frame.room}` : frame.type)),
      ).toEqual(['welcome', 'joined c', 'joined a', 'refused *', 'joined b'])
    })

    it('P2.5 is answered with the terms of the relay', async () => {
      const relay = await start()
      const page = await relay.connect({ rooms: [] })
      expect(await page.next('welcome')).toEqual({
        type: 'welcome',
        v: 1,
        tab: expect.any(String),
        beat: 25_000,
        maxBytes: 65_536,
        window: 900_000,
      })
    })

    it('P9.6 may be followed by a fresh token, which is answered with another welcome', async () => {
      const relay = await start()
      const page = await relay.join()
      page.say({ type: 'token', token: 'fresh' })
      page.signal('Saved')
      await page.heard(1)
      // A log elsewhere may accept the signal before it sends it.
      const types = page.frames.map(({ type }) => type).filter((type) => type !== 'accepted')
      expect(types).toEqual(['welcome', 'joined', 'welcome', 'signal'])
      expect(page.frames[2]).toEqual(page.frames[0])
    })
  })

  describe('the end', () => {
    it('P7.1 does not come for a ping, which is answered with pong', async () => {
      const relay = await start()
      const page = await relay.join()
      page.say({ type: 'ping' })
      expect(await page.next('pong')).toEqual({ type: 'pong' })
    })

    it('P8.2 comes after what was said before it', async () => {
      const relay = await start()
      const page = await relay.join()
      const id = page.signal('Saved', 1)
      page.say({ type: 'hello' })
      await page.closed
      expect(page.frames).toContainEqual({ type: 'accepted', ids: [id] })
    })
  })
}

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

/** A signal's frame of so many bytes, most of them in letters of two bytes. */
function frameOf(size: number): string {
  const bare = JSON.stringify({ type: 'signal', id: pageId(), signal: 'Big', data: '' })
  const missing = size - bare.length
  return bare.replace('""', `"${'é'.repeat(missing >> 1)}${'x'.repeat(missing % 2)}"`)
}
