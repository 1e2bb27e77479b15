import type { Outcome } from './scenario.js'

/** All that is not as it has to be, whatever the fault; empty when everything is. */
export function wrongIn(outcome: Outcome, gapsExpected: number): Readonly<Record<string, unknown>> {
  const { LOST, DUP, ORDER, FIFO, PHANTOM, UNSETTLED, LEAK, COVERED, GAPS } = outcome
  const { published, accepted, gapsOwed, loggedTwice, offline, isQuiet } = outcome
  const zero = { LOST, DUP, ORDER, FIFO, PHANTOM, UNSETTLED, LEAK, loggedTwice, offline: offline.length }
  return {
    ...Object.fromEntries(Object.entries(zero).filter(([, value]) => value !== 0)),
    ...(offline.length > 0 && { offline }),
    ...(!isQuiet && { isQuiet }),
    ...(accepted !== published && { accepted, published }),
    ...((GAPS !== gapsExpected || GAPS !== gapsOwed) && { GAPS, gapsExpected, gapsOwed }),
    // Without a gap there is nothing that could be missed.
    ...(gapsExpected === 0 && COVERED > 0 && { COVERED }),
  }
}
