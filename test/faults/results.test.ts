import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { withRow } from './results.js'

const README = `
| counter | what it counts |
| ------- | -------------- |
| FIFO    | the order      |
| F99     | an example     |

<!-- results -->

| id  | fault |
| --- | ----- |
| F02a | old  |
| F01 | old   |
| F27-streams | old |
| FIFO | stray |

<!-- end of results -->

The end.
`

/** The first cells of a table's rows, by line. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/^\| *(F\S*)/gm)].map(([, id = '']) => id)
}

describe('the table of results', () => {
  it('takes a new row in its place, leaves the other tables alone, and takes nothing of them', async () => {
    const text = await withRow(README, 'F02', '| F02 | new |')
    expect(idsIn(text)).toEqual(['FIFO', 'F99', 'F01', 'F02', 'F02a', 'F27-streams'])
    expect(text).toContain('The end.')
  })

  it('replaces the row of the same scenario, and no other one that begins alike', async () => {
    const text = await withRow(README, 'F02a', '| F02a | new |')
    expect(idsIn(text)).toEqual(['FIFO', 'F99', 'F01', 'F02a', 'F27-streams'])
    expect(text.match(/old/g)).toHaveLength(2)
  })

  it('has nothing but scenarios in it', async () => {
    const text = await readFile(new URL('README.md', import.meta.url), 'utf8')
    const [, table = ''] = text.split(/<!-- (?:results|end of results) -->/)
    const rows = table.split('\n').filter((line) => line.startsWith('|'))
    expect(rows.length - 2).toBe(idsIn(table).filter((id) => /^F\d/.test(id)).length)
  })
})
