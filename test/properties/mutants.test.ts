import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../package/root.js'

interface Mutant {
  readonly name: string
  readonly edits: readonly (readonly [file: string, from: string, to: string])[]
}

// By its address, because it is JavaScript without types.
const { MUTANTS } = (await import(new URL('mutants.mjs', import.meta.url).href)) as { MUTANTS: readonly Mutant[] }

describe('the defects that are made on purpose', () => {
  it.each(MUTANTS)('change one place of a file each: $name', ({ edits }) => {
    const counts = edits.map(([file, from]) => readFileSync(join(ROOT, file), 'utf8').split(from).length - 1)
    expect(counts).toEqual(edits.map(() => 1))
  })
})
