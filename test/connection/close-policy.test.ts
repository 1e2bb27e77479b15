// @vitest-environment node
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { closePolicy } from '../../src/connection/close-policy.js'
import * as CloseCode from '../../src/protocol/close-codes.js'
import { ROOT } from '../package/root.js'

const RETRY = { action: 'retry' }
const REFUSED = { action: 'end', reason: 'refused' }

const TABLE: readonly (readonly [code: number, policy: object])[] = [
  [1000, RETRY],
  [1001, RETRY],
  [1003, RETRY],
  [1006, RETRY],
  [1009, { action: 'refuse-largest' }],
  [1011, RETRY],
  [1012, RETRY],
  [1013, RETRY],
  [3000, RETRY],
  [4000, RETRY],
  [4399, RETRY],
  [4400, { action: 'count' }],
  [4401, { action: 'renew-token' }],
  [4402, REFUSED],
  [4403, { action: 'end', reason: 'forbidden' }],
  [4413, { action: 'refuse-largest' }],
  [4426, { action: 'end', reason: 'version' }],
  [4499, REFUSED],
  [4500, RETRY],
  [4503, { action: 'retry', spread: 5000 }],
  [4508, { action: 'retry', wait: 0 }],
  [4509, RETRY],
  [4529, { action: 'retry', wait: 10_000, backsOff: true }],
  [4999, RETRY],
]

describe('the policy for a close code', () => {
  it.each(TABLE)('%i leads to %o', (code, policy) => {
    expect(closePolicy(code)).toEqual(policy)
  })

  it('is in this table for every code of the protocol', () => {
    const codes = new Set(TABLE.map(([code]) => code))
    expect(Object.values(CloseCode).filter((code) => !codes.has(code))).toEqual([])
  })

  it('is in this table for every code that section 13 of PROTOCOL.md names', () => {
    const protocol = readFileSync(join(ROOT, 'examples/relay/PROTOCOL.md'), 'utf8')
    const section = protocol.slice(protocol.indexOf('## 13.'))
    const named = [...section.matchAll(/\b([14]\d{3})\b/g)].map(([, code]) => Number(code))
    const codes = new Set(TABLE.map(([code]) => code))
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((code) => !codes.has(code))).toEqual([])
  })
})
