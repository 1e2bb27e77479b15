import * as fc from 'fast-check'

/** One good frame of each kind that either side may say. */
export const RELAY_FRAMES: readonly object[] = [
  {
    type: 'welcome',
    v: 1,
    tab: 'public',
    user: 'ann',
    expiresIn: 9e12,
    beat: 25_000,
    maxBytes: 65_536,
    window: 900_000,
  },
  { type: 'joined', room: 'main', epoch: 'e1', offset: 1, id: 'id-1', head: 3, recovered: true },
  { type: 'joined', room: 'main', epoch: 'e2', offset: 0, head: 0, recovered: false },
  {
    type: 'signal',
    id: 'id-2',
    signal: 'Saved',
    data: { a: [1] },
    room: 'main',
    offset: 2,
    at: 1,
    sender: { tab: 't' },
  },
  { type: 'accepted', ids: ['id-1', 'id-2'] },
  { type: 'refused', id: 'id-3', code: 'denied', text: 'You may not.' },
  { type: 'refused', room: 'main', code: 'denied', text: 'You may not.' },
  { type: 'left', room: 'main', code: 'denied' },
  { type: 'gap', room: 'main', reason: 'epoch', from: 1, epoch: 'e2', offset: 0, id: 'id-4' },
  { type: 'gap', room: 'main', reason: 'trimmed', from: 1, epoch: 'e1', offset: 9 },
  { type: 'beat' },
  { type: 'pong' },
  { type: 'goodbye', retryAfter: 100, reason: 'restart' },
]

export const CLIENT_FRAMES: readonly object[] = [
  { type: 'hello', v: 1, tab: 'AAAAAAAAAAAAAAAAAAAAAA', token: 't', rooms: [{ room: 'main', since: { age: 5 } }] },
  { type: 'join', room: 'side', since: { epoch: 'e1', offset: 3, id: 'x' } },
  { type: 'join', room: 'main' },
  { type: 'leave', room: 'main' },
  { type: 'signal', id: 'AAAAAAAAAAAAAAAAAAAAAB', signal: 'Saved', data: { a: 1 }, room: 'hostile' },
  { type: 'token', token: 't' },
  { type: 'ping' },
]

/** Values that code which trusts a type stumbles over. */
const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e21,
  2 ** 53,
  2 ** 53 - 1,
  '',
  '*',
  'main',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'a'.repeat(200),
  '\u0000\ud800',
  [],
  [null],
  [[]],
  {},
  { toString: 1, valueOf: 1 },
  [{ toString: 1, valueOf: 1 }],
  { length: -1 },
  { type: 'signal' },
  nested(40),
]

/** The same in JSON, with what only text can say. */
const TEXTS: readonly string[] = [
  ...VALUES.map((value) => JSON.stringify(value)),
  '{"then":1}',
  '1e400',
  '-0',
  '{"__proto__":{"polluted":1}}',
  '{"\\u005f_proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '"\\ud800"',
  'undefined',
  'NaN',
  '[',
  '',
]

const KEYS = ['type', 'id', 'room', 'rooms', 'since', 'ids', 'text', 'code', 'data', '__proto__', 'toString', 'then']

/** Makes hostile frames out of good ones, from a source of chance: fast enough for millions. */
export function createHostility(frames: readonly object[], chance: () => number): () => string {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(chance() * items.length)] as Item

  function spoil(frame: object): string {
    const fields = Object.entries(frame).map(([key, value]) => [key, JSON.stringify(value)] as [string, string])
    for (let count = Math.floor(chance() * 3); count >= 0; count--) {
      const index = Math.floor(chance() * fields.length)
      const what = chance()
      if (what < 0.6) fields[index] = [fields[index]?.[0] ?? 'type', pick(TEXTS)]
      else if (what < 0.7) fields.splice(index, 1)
      else if (what < 0.9) fields.push([pick(KEYS), pick(TEXTS)])
      else fields[index] = [pick(KEYS), fields[index]?.[1] ?? '0']
    }
    return `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`
  }

  function tear(text: string): string {
    const at = Math.floor(chance() * text.length)
    if (chance() < 0.5) return text.slice(0, at)
    return text.slice(0, at) + String.fromCharCode(Math.floor(chance() * 0x180)) + text.slice(at + 1)
  }

  return () => {
    const what = chance()
    if (what < 0.15) return JSON.stringify(pick(frames))
    if (what < 0.8) return spoil(pick(frames))
    if (what < 0.95) return tear(spoil(pick(frames)))
    return pick(TEXTS)
  }
}

export const HOSTILE_TEXT: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(RELAY_FRAMES, CLIENT_FRAMES),
    fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  )
  .map(([frames, stream]) => createHostility(frames, () => Number(stream.next().value))())

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)]
}
