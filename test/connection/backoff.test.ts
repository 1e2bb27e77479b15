import { expect, it } from 'vitest'
import { backoff } from '../../src/connection/backoff.js'

it('is anything between nothing and a bound that doubles up to a limit', () => {
  const bounds = [0, 1, 2, 4, 5, 50].map((failures) => backoff(failures, { random: () => 1 }))
  expect(bounds).toEqual([1000, 2000, 4000, 16_000, 30_000, 30_000])
  expect(backoff(3, { random: () => 0 })).toBe(0)
})

it('stays finite after any number of failures', () => {
  expect(backoff(10_000, { random: () => 1 })).toBe(30_000)
})

it('draws anew each time', () => {
  const waits = new Set(Array.from({ length: 20 }, () => backoff(5)))
  expect(waits.size).toBeGreaterThan(15)
})
