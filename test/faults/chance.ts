/** Chance that can be had again: the same seed gives the same faults. */
export interface Chance {
  /** From 0 to 1, without 1. */
  next(): number
  /** From `low` to `high`. */
  between(low: number, high: number): number
  /** A share of the items, each taken or left by itself. */
  some<Item>(items: Iterable<Item>, share: number): Item[]
}

/** Mulberry32: small, fast, and good enough to choose connections to cut. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  return {
    next,
    between: (low, high) => low + next() * (high - low),
    some: (items, share) => [...items].filter(() => next() < share),
  }
}
