import { expect } from 'vitest'
import type { Outcome } from './scenario.js'

const RIGHT = { LOST: 0, DUP: 0, ORDER: 0, FIFO: 0, PHANTOM: 0, UNSETTLED: 0, LEAK: 0, loggedTwice: 0, isQuiet: true }

/** What no fault may cause. */
export function expectNothingWrong(outcome: Outcome): void {
  const wrong = Object.fromEntries(Object.keys(RIGHT).map((key) => [key, outcome[key as keyof typeof RIGHT]]))
  expect(wrong).toEqual(RIGHT)
  expect(outcome.accepted).toBe(outcome.published)
  expect(outcome.GAPS).toBe(outcome.gapsOwed)
}

/** What a relay that keeps its memory never needs: a gap. */
export function expectNothingMissing({ COVERED, GAPS }: Outcome): void {
  expect({ COVERED, GAPS }).toEqual({ COVERED: 0, GAPS: 0 })
}
