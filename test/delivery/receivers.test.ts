import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AnyHandler, createReceivers } from '../../src/delivery/receivers.js'

const COUNT = 4000

function open(): ReturnType<typeof createReceivers> {
  return createReceivers({ listen: () => () => undefined, onThrow: () => undefined })
}

/** Counts the entries of maps and sets that are looked at one after the other. */
function countComparisons(): () => number {
  let count = 0
  for (const { prototype } of [Map, Set]) {
    const iterate = prototype[Symbol.iterator] as (this: unknown) => IterableIterator<unknown>
    vi.spyOn(prototype as never, Symbol.iterator as never).mockImplementation(function* counted(this: unknown) {
      for (const entry of { [Symbol.iterator]: () => iterate.call(this) }) {
        count += 1
        yield entry
      }
    } as never)
  }
  return () => count
}

describe('many receivers', () => {
  afterEach(() => vi.restoreAllMocks())

  it('are each compared with few others, whether names or handlers are many', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 10, 400, COUNT), (names) => {
        const handlers = Array.from({ length: COUNT / names }, (): AnyHandler => () => undefined)
        const receivers = open()
        const comparisons = countComparisons()
        for (const handler of handlers) for (let name = 0; name < names; name += 1) receivers.add(`N${name}`, handler)
        const compared = comparisons()
        vi.restoreAllMocks()
        expect(compared).toBeLessThanOrEqual(COUNT)
      }),
      { numRuns: 8 },
    )
  })

  it('of one name and handler that differ in their options are receivers of their own, and equal ones are one', () => {
    const receivers = open()
    const handler: AnyHandler = () => undefined
    const stops = [{}, { room: 'main' }, { once: true }, { room: 'other' }, { from: 'others' as const }].map(
      (options) => receivers.add('A', handler, options),
    )
    expect(new Set(stops).size).toBe(4)
    expect(stops[0]).toBe(stops[1])
  })

  it('do not end a later receiver when the stop of an earlier one is called again', () => {
    const receivers = open()
    const handler: AnyHandler = () => undefined
    const stop = receivers.add('A', handler)
    stop()
    const again = receivers.add('A', handler)
    stop()
    expect(receivers.add('A', handler)).toBe(again)
    expect(receivers.hears('main A')).toBe(true)
  })
})
