import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from '../package/root.js'

/** Titles begin with the rules that they check: `P3.2 sends …`, `P4.2 and P4.8 tells …`, `P11.3, P11.5 and P11.6 …`. */
const TITLE = /['"`]((?:P\d+\.\d+(?:, | and | ))+)/g
const RULE = /P\d+\.\d+/g

/**
 * What the test relay leaves out, beside identity and HTTP (sections 9 to 11): it has no network that could be slow or dead,
 * no limits to defend, a memory that never overflows, and one epoch at a time.
 */
const ONLY_REAL = [
  'P1.8',
  'P2.2',
  'P3.8',
  'P3.11',
  'P3.12',
  'P4.2',
  'P6.7',
  'P6.9',
  'P6.13',
  'P7.3',
  'P8.1',
  'P8.4',
  'P8.5',
  'P8.7',
]

const protocol = await readFile(join(ROOT, 'examples', 'relay', 'PROTOCOL.md'), 'utf8')
const lines = [...protocol.matchAll(/^- \*\*(P\d+\.\d+)\*\*( _\(client\)_)?/gm)]
const rules = lines.map(([, rule]) => rule ?? '')

/** The rules that the tests of some files name. */
async function named(pattern: RegExp): Promise<Set<string>> {
  const chosen = filesIn('test', '.ts').filter((file) => pattern.test(file) && !file.includes('protocol-rules'))
  const texts = await Promise.all(chosen.map((file) => readFile(join(ROOT, 'test', file), 'utf8')))
  return new Set(texts.flatMap((text) => [...text.matchAll(TITLE)].flatMap((match) => match[1]?.match(RULE) ?? [])))
}

describe('the rules of the protocol', () => {
  it('are each named by a test, and a rule that a test names exists', async () => {
    const tested = await named(/\.test\.ts$|^relay\/protocol\/\w+\.ts$/)
    expect(new Set(rules).size).toBe(rules.length)
    expect({
      unchecked: rules.filter((rule) => !tested.has(rule)),
      unknown: [...tested].filter((rule) => !rules.includes(rule)),
    }).toEqual({ unchecked: [], unknown: [] })
  })

  it('bind the test relay too, but for those of this list', async () => {
    const tested = await named(/^relay\/protocol\/\w+\.ts$|^testing\//)
    const ofRelays = lines.flatMap(([, rule = '', isOfClient]) =>
      isOfClient || /^P(9|10|11|14|15)\./.test(rule) ? [] : [rule],
    )
    expect(ofRelays.filter((rule) => !tested.has(rule))).toEqual(ONLY_REAL)
  })
})
