import { describe, expect, it } from 'vitest'
import { backoff } from '../../src/connection/backoff.js'

describe('the wait before the next dial', () => {
  it('is anything between nothing and 1.4 times the outage, its bound at least a second, at most half a minute', () => {
    const bounds = [0, 500, 1000, 2500, 29_000, Infinity].map((outage) => backoff(outage, 1))
    expect(bounds).toEqual([1000, 1000, 1400, 3500, 30_000, 30_000])
    expect(backoff(8000, 0)).toBe(0)
  })

  it('draws anew each time', () => {
    const waits = new Set(Array.from({ length: 20 }, () => backoff(5000)))
    expect(waits.size).toBeGreaterThan(15)
  })

  it('G9 brings 2,000 clients back within 3 s after 2 s without a relay, never 15 % of them in a tenth of a second', () => {
    const down = 2000
    const returns = Array.from({ length: 2000 }, () => {
      let now = 0
      while (now < down) now += backoff(now)
      return now - down
    })
    const tenths = new Map<number, number>()
    for (const time of returns) tenths.set(Math.floor(time / 100), (tenths.get(Math.floor(time / 100)) ?? 0) + 1)
    expect(Math.max(...returns)).toBeLessThan(3000)
    expect(Math.max(...tenths.values())).toBeLessThan(300)
  })
})
