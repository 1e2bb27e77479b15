import { vi } from 'vitest'

// Taken before any test makes time virtual.
const nextTurn = setImmediate

/** Makes time and chance virtual: both are the same in every run of the same seed. */
export function startVirtualTime(chance: number): void {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  vi.spyOn(Math, 'random').mockImplementation(createChance(chance))
}

export function stopVirtualTime(): void {
  vi.restoreAllMocks()
  vi.useRealTimers()
}

/** Lets every promise go as far as it can without time. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve))
}

/**
 * Lets virtual time pass, timer by timer, each with all that follows from it. The fake timers' own way of doing this waits
 * a real millisecond for each timer.
 */
export async function pass(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds
  await settlePromises()
  // Something to stop at, if nothing else is due by then.
  const mark = setTimeout(() => undefined, milliseconds)
  while (performance.now() < end) {
    vi.advanceTimersToNextTimer()
    await settlePromises()
  }
  clearTimeout(mark)
}

/** mulberry32: small, and even enough for jitter. */
export function createChance(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
