import { afterEach, describe, expect, it } from 'vitest'
import { decodeClientFrame, decodeRelayFrame, encode, parse } from '../../src/protocol/codec.js'
import type { ClientFrame, RelayFrame } from '../../src/protocol/frames.js'
import { createId } from '../../src/protocol/id.js'
import { isName } from '../../src/protocol/names.js'

const RELAY_FRAMES: readonly RelayFrame[] = [
  { type: 'welcome', v: 1, tab: 't', user: 'ann', expiresIn: 9, beat: 1, maxBytes: 2, window: 3 },
  { type: 'joined', room: 'main', epoch: 'e', offset: 0, head: 3, recovered: true, id: 'x' },
  {
    type: 'signal',
    id: 'x',
    signal: 'A',
    data: { a: [1, null] },
    room: 'main',
    offset: 1,
    at: 2,
    sender: { tab: 't' },
  },
  { type: 'accepted', ids: ['a', 'b'] },
  { type: 'refused', id: 'a', code: 'denied', text: 'no' },
  { type: 'refused', room: 'main', code: 'denied', text: 'no' },
  { type: 'left', room: 'main', code: 'denied' },
  { type: 'gap', room: 'main', reason: 'epoch', from: 1, epoch: 'e', offset: 2 },
  { type: 'beat' },
  { type: 'pong' },
  { type: 'goodbye', retryAfter: 5, reason: 'restart' },
]

const TAB = 'abcdefghijklmnopqrstuv'
const CLIENT_FRAMES: readonly ClientFrame[] = [
  { type: 'hello', v: 1, tab: TAB, token: 't', rooms: [{ room: 'main' }, { room: 'b', since: { age: 5 } }] },
  { type: 'join', room: 'main', since: { epoch: 'e', offset: 4, id: 'x' } },
  { type: 'leave', room: 'main' },
  { type: 'signal', id: TAB, signal: 'A', data: false, room: 'b' },
  { type: 'token', token: 't' },
  { type: 'ping' },
]

const HOSTILE_TEXTS = [
  '',
  'null',
  '1',
  '"signal"',
  '[]',
  '[{"type":"signal"}]',
  '{',
  '{"type":null}',
  '{"type":["signal"]}',
  '{"type":{}}',
  '\u0000',
  '{"type":"signal","id":"x","signal":"*","room":"main","offset":1,"at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"__proto__","room":"main","offset":1,"at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"A","room":"main","offset":-1,"at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"A","room":"main","offset":1e400,"at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"A","room":"main","offset":1.5,"at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"A","room":"main","offset":"1","at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"A","room":5,"offset":1,"at":1,"sender":{}}',
  '{"type":"signal","id":"x","signal":"A","room":"main","offset":1,"at":1,"sender":null}',
  '{"type":"accepted","ids":"abc"}',
  '{"type":"goodbye","retryAfter":-5}',
  '{"type":"refused","code":"x","text":"t","room":{"toString":1,"valueOf":1}}',
  '{"type":"left","code":"x","room":"main","text":{"toString":1}}',
  '{"type":"joined","room":"main","epoch":1,"offset":1,"head":1}',
  '{"type":"joined","room":"main","epoch":"e","offset":1,"head":1,"id":1}',
  `{"type":"gap","room":"main","epoch":"${'e'.repeat(65)}","offset":1,"reason":"epoch"}`,
  '{"type":"welcome","v":1,"tab":"t","beat":1,"maxBytes":1,"expiresIn":{"valueOf":1}}',
  '['.repeat(50_000),
  `{"type":"signal","data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
]

afterEach(() => {
  expect(({} as Record<string, unknown>).admin).toBeUndefined()
})

describe('frames of a relay', () => {
  it.each(RELAY_FRAMES)('go through text unchanged: $type', (frame) => {
    expect(decodeRelayFrame(encode(frame))).toEqual(frame)
  })

  it.each(HOSTILE_TEXTS)('never throw, and are malformed: %.60s', (text) => {
    expect(decodeRelayFrame(text)).toEqual({ type: 'malformed' })
  })

  it.each(['from-the-future', 'constructor', '__proto__', 'toString', 'hello'])('are unknown: %s', (type) => {
    expect(decodeRelayFrame(JSON.stringify({ type }))).toEqual({ type: 'unknown' })
  })
})

describe('frames of a client', () => {
  it.each(CLIENT_FRAMES)('go through text unchanged: $type', (frame) => {
    expect(decodeClientFrame(encode(frame))).toEqual(frame)
  })

  it('decodes frames on a page whose objects inherit a function of an old library', () => {
    // As old libraries do.
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(Object.prototype, 'extend', { value: () => false, enumerable: true, configurable: true })
    const decoded = RELAY_FRAMES.map((frame) => decodeRelayFrame(encode(frame)).type)
    Reflect.deleteProperty(Object.prototype, 'extend')
    expect(decoded).toEqual(RELAY_FRAMES.map(({ type }) => type))
  })

  it('are made anew from known fields', () => {
    const text = JSON.stringify({
      type: 'signal',
      id: 'x',
      signal: 'A',
      sender: { user: 'root' },
      offset: 5,
      admin: true,
    })
    expect(decodeClientFrame(text)).toEqual({ type: 'signal', id: 'x', signal: 'A' })
  })

  it.each([
    ...RELAY_FRAMES.filter(({ type }) => type !== 'signal').map(encode),
    '{"type":"hello","v":2,"tab":"abcdefghijklmnopqrstuv","rooms":[]}',
    '{"type":"hello","v":1,"tab":"short","rooms":[]}',
    '{"type":"hello","v":1,"tab":"abcdefghijklmnopqrstuv","rooms":[{}]}',
    '{"type":"hello","v":1,"tab":"abcdefghijklmnopqrstuv","rooms":{}}',
    '{"type":"join","room":"main","since":{"epoch":"e","offset":-1}}',
    '{"type":"join","room":"main","since":{"epoch":"e","offset":9007199254740992}}',
    '{"type":"join","room":"main","since":{"age":"1"}}',
    `{"type":"join","room":"main","since":{"epoch":"${'e'.repeat(65)}","offset":1}}`,
    '{"type":"join","room":"main","since":5}',
    '{"type":"join"}',
    '{"type":"leave"}',
    '{"type":"token"}',
    '{"type":"signal","signal":"A"}',
    '{"type":"signal","id":"x","signal":"A","room":1}',
    '[]',
    'x',
  ])('are malformed: %.80s', (text) => {
    expect(decodeClientFrame(text)).toEqual({ type: 'malformed' })
  })

  it('are unknown when a later version sent them', () => {
    expect(decodeClientFrame('{"type":"from-the-future"}')).toEqual({ type: 'unknown' })
  })
})

describe('parsing', () => {
  it.each([
    '{"data":{"__proto__":{"admin":true}}}',
    String.raw`{"data":{"\u005f_proto__":{"admin":true}}}`,
    '{"data":{"a":[{"__proto__":{"admin":true}}]}}',
    '{"data":{"constructor":{"prototype":{"admin":true}}}}',
    '{"__proto__":{"admin":true}}',
  ])('lets no prototype in: %s', (text) => {
    const value = parse(text) as { data?: Record<string, unknown> }
    expect(Object.assign({}, value, value.data).admin).toBeUndefined()
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it('keeps escapes that mean no harm', () => {
    expect(parse(String.raw`{"a":"\u0041\n"}`)).toEqual({ a: 'A\n' })
  })
})

describe('names and ids', () => {
  it.each([
    ['A', true],
    ['a'.repeat(128), true],
    ['constructor', true],
    ['team:7', true],
    ['A_b.c-d:e', true],
    ['a'.repeat(129), false],
    ['', false],
    ['*', false],
    ['1a', false],
    ['_a', false],
    ['a b', false],
    ['a\n', false],
    ['\u00e4', false],
    ['a\u202e', false],
    ['__proto__', false],
    [7, false],
    [undefined, false],
  ])('%j is a name: %s', (value, is) => {
    expect(isName(value)).toBe(is)
  })

  it('makes ids of 22 characters that do not repeat', () => {
    const ids = new Set(Array.from({ length: 1000 }, createId))
    expect(ids.size).toBe(1000)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/)
  })
})
