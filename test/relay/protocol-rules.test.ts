import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Titles begin with the rules that they check: `P3.2 sends …`, `P4.2 and P4.8 tells …`, `P11.3, P11.5 and P11.6 …`. */
const TITLE = /['"`]((?:P\d+\.\d+(?:, | and | ))+)/g
const RULE = /P\d+\.\d+/g

it('every rule of the protocol is named by a test, and every rule that a test names exists', async () => {
  const protocol = await readFile(join(ROOT, 'examples', 'relay', 'PROTOCOL.md'), 'utf8')
  const rules = [...protocol.matchAll(/^- \*\*(P\d+\.\d+)\*\*/gm)].map((match) => match[1] ?? '')
  const files = await readdir(join(ROOT, 'test'), { recursive: true })
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.endsWith('protocol-rules.test.ts'))
  const texts = await Promise.all(tests.map((file) => readFile(join(ROOT, 'test', file), 'utf8')))
  const named = new Set(
    texts.flatMap((text) => [...text.matchAll(TITLE)].flatMap((match) => match[1]?.match(RULE) ?? [])),
  )
  expect(new Set(rules).size).toBe(rules.length)
  expect({
    unchecked: rules.filter((rule) => !named.has(rule)),
    unknown: [...named].filter((rule) => !rules.includes(rule)),
  }).toEqual({ unchecked: [], unknown: [] })
})
