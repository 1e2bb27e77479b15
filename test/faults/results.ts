import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import type { Counts } from './counters.js'
import type { Outcome } from './scenario.js'
import { IS_FULL_RUN, SEED } from './run-length.js'

/** One row of the table of results. */
export interface Result extends Partial<Counts> {
  readonly id: string
  readonly title: string
  readonly seconds: number
  readonly faults: string
  readonly gapsExpected?: number
  readonly LEAK?: number
  readonly note?: string
}

const README = fileURLToPath(new URL('README.md', import.meta.url))
const HEAD = [
  'id',
  'fault',
  'date',
  'seconds',
  'faults',
  'published',
  'delivered / expected',
  'LOST',
  'COVERED',
  'DUP',
  'ORDER',
  'FIFO',
  'PHANTOM',
  'GAPS actual / expected',
  'LEAK',
  'notes',
] as const

/** Prints a result; the full run also puts it into the table of the README, in the place of the last one. */
export async function record(result: Result): Promise<void> {
  const cells = cellsOf(result)
  console.log(HEAD.map((head, index) => `${head}: ${cells[index]}`).join(' · '), `· seed: ${SEED}`)
  if (!IS_FULL_RUN) return
  await writeFile(README, await withRow(await readFile(README, 'utf8'), result.id, rowOf(cells)))
}

/** The text with a row of its table of results replaced, or added in its place. */
export function withRow(text: string, id: string, row: string): Promise<string> {
  const [before = '', table = '', after = ''] = text.split(/<!-- (?:results|end of results) -->/)
  // Only what stands in the table of results is one: the README explains in tables too.
  const others = table.split('\n').filter((line) => idOf(line) && idOf(line) !== id)
  const lines = [rowOf(HEAD), rowOf(HEAD.map(() => '---')), ...[...others, row].toSorted()]
  const next = `${before}<!-- results -->\n\n${lines.join('\n')}\n\n<!-- end of results -->${after}`
  return format(next, { parser: 'markdown', printWidth: 120 })
}

/** The id of a scenario: a number, and what tells its parts apart. */
function idOf(line: string): string | undefined {
  return /^\| *(F\d\S*) +\|/.exec(line)?.[1]
}

/** Records what a run came to. */
export function recordRun(id: string, title: string, outcome: Outcome, gapsExpected: number, note = ''): Promise<void> {
  return record({ ...outcome, id, title, faults: inWords(outcome.faults), gapsExpected, note })
}

/** How often each fault happened, in words. */
export function inWords(faults: Readonly<Record<string, number>>): string {
  return Object.entries(faults)
    .map(([fault, times]) => `${times} ${fault}`)
    .join(', ')
}

export function inSeconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1)
}

function cellsOf(result: Result): string[] {
  const { id, title, seconds, faults, published, delivered, expected, GAPS, gapsExpected, note = '' } = result
  const date = new Date().toISOString().slice(0, 10)
  const errors = (['LOST', 'COVERED', 'DUP', 'ORDER', 'FIFO', 'PHANTOM'] as const).map((name) => text(result[name]))
  const deliveries = delivered === undefined ? '' : `${delivered} / ${expected}`
  const gaps = GAPS === undefined ? '' : `${GAPS} / ${gapsExpected ?? 'not counted'}`
  return [
    id,
    title,
    date,
    seconds.toFixed(0),
    faults,
    text(published),
    deliveries,
    ...errors,
    gaps,
    text(result.LEAK),
    note,
  ]
}

function text(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
