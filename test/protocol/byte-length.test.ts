import { expect, it } from 'vitest'
import { byteLength } from '../../src/protocol/byte-length.js'

it.each(['', 'a', '\0\u007F', '\u0080é\u07FF', '\u0800€\uD7FF\uE000\uFFFF', '👩‍👩‍👧', 'a é € 👍\n'.repeat(10_000)])(
  'counts bytes as an encoder does, number %#',
  (text) => {
    expect(byteLength(text)).toBe(new TextEncoder().encode(text).length)
  },
)
