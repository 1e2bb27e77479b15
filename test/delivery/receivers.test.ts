import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnyHandler, createReceivers } from '../../src/delivery/receivers.js'

const COUNT = 4000

function open(): ReturnType<typeof createReceivers> {
  return createReceivers({ listen: () => () => undefined, onThrow: () => undefined })
}

/** Returns how many entries of maps and sets a call looks at one after the other. */
function countCompared(call: () => void): number {
  const prototypes = [Map.prototype, Set.prototype] as { [Symbol.iterator]: () => IterableIterator<unknown> }[]
  const originals = prototypes.map((prototype) => prototype[Symbol.iterator])
  let count = 0
  for (const [index, prototype] of prototypes.entries()) {
    prototype[Symbol.iterator] = function* counted() {
      const entries = originals[index]!.call(this)
      for (let entry = entries.next(); !entry.done; entry = entries.next()) {
        count += 1
        yield entry.value
      }
    }
  }
  try {
    call()
  } finally {
    for (const [index, prototype] of prototypes.entries()) prototype[Symbol.iterator] = originals[index]!
  }
  return count
}

describe('many receivers', () => {
  it('are each compared with few others, whether names or handlers are many', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 10, 400, COUNT), (names) => {
        const handlers = Array.from({ length: COUNT / names }, (): AnyHandler => () => undefined)
        const receivers = open()
        const compared = countCompared(() => {
          for (const handler of handlers) for (let name = 0; name < names; name += 1) receivers.add(`N${name}`, handler)
        })
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
    expect(receivers.hasReceivers('main A')).toBe(true)
  })
})
