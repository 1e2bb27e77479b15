import { describe, expect, it } from 'vitest'
import { backoff } from '../../src/connection/backoff.js'

describe('the wait before the next dial', () => {
  it('is anything between nothing and the outage, its bound at least a second, at most half a minute', () => {
    const outages = [0, 500, 1000, 2500, 29_000, Infinity]
    expect(outages.map((outage) => backoff(outage, 1))).toEqual([1000, 1000, 1000, 2500, 29_000, 30_000])
    expect(outages.map((outage) => backoff(outage, 1, 1))).toEqual([2500, 2500, 2500, 2500, 29_000, 30_000])
    expect([backoff(8000, 0), backoff(8000, 0, 1)]).toEqual([0, 0])
  })

  it('draws anew each time', () => {
    const waits = new Set(Array.from({ length: 20 }, () => backoff(5000)))
    expect(waits.size).toBeGreaterThan(15)
  })

  it.each([
    [100, 2500],
    [300, 2500],
    [500, 2500],
    [700, 2500],
    [900, 2500],
    [1200, 2500],
    [1500, 2500],
    [2000, 2500],
    [5000, 5000],
  ])(
    'G9 after %i ms without a relay brings 2,000 clients back in %i ms, never 15 % of them in a tenth',
    (down, soon) => {
      // Many times as many, so that chance adds little to a share.
      const returns = Array.from({ length: 100_000 }, () => {
        let now = 0
        for (let failures = 0; now < down; failures += 1) now += backoff(now, Math.random(), failures)
        return now - down
      })
      const tenths = new Map<number, number>()
      for (const time of returns) tenths.set(Math.floor(time / 100), (tenths.get(Math.floor(time / 100)) ?? 0) + 1)
      expect(Math.max(...tenths.values()) / returns.length).toBeLessThan(0.15)
      expect(returns.filter((time) => time > soon)).toEqual([])
    },
  )
})
