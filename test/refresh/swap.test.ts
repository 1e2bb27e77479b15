import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { watchEdits } from '../../src/page/edits.js'
import { prepareSwap } from '../../src/refresh/swap/swap.js'

let watching: AbortController

beforeEach(() => {
  watching = new AbortController()
  watchEdits(watching.signal)
})
afterEach(() => watching.abort())

function createRows(count: number, note: string): Element {
  const section = document.createElement('section')
  const row = (index: number): string =>
    `<tr><td>${index}</td><td>${note}</td><td><input name="qty[]"></td><td><a href="/orders/${index}">Show</a></td></tr>`
  section.innerHTML = `<table><tbody>${Array.from({ length: count }, (_, index) => row(index)).join('')}</tbody></table>`
  return section
}

/** Replaces a table in which every field is edited, and returns how often the swap read the document. */
function countReads(rows: number): number {
  const [old, fresh] = [createRows(rows, 'old'), createRows(rows, 'new')]
  document.body.replaceChildren(old)
  document.body.dispatchEvent(new MouseEvent('pointerdown', { bubbles: true }))
  for (const field of old.querySelectorAll('input')) field.value = 'edited'
  const spies = (['getAttribute', 'querySelectorAll', 'closest', 'matches', 'contains'] as const).map((name) =>
    vi.spyOn(Element.prototype, name),
  )
  const swap = prepareSwap(old, fresh)
  const reads = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0)
  for (const spy of spies) spy.mockRestore()
  swap.run()
  expect([...fresh.querySelectorAll('input')].every(({ value }) => value === 'edited')).toBe(true)
  return reads
}

it('a swap of twice as many edited rows takes at most about twice as many reads', () => {
  const reads = countReads(50)
  expect(countReads(100)).toBeLessThan(reads * 2.5)
})
