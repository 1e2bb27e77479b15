/** Upper bound of the first waits, in milliseconds. */
const MIN = 1000
/** Upper bound of every wait, in milliseconds. */
const MAX = 30_000
/** Spread over just the length of the outage, too many come back in the first tenth of a second. */
const SPREAD = 1.4

/**
 * How long to wait before the next dial, in milliseconds, when the relay has been away for `outage` milliseconds: anything
 * between nothing and somewhat longer than that ("full jitter"). The bound grows with time and not with the number of
 * dials, so that a client which drew short waits is not sent away for long by them.
 *
 * @param chance Where between the bounds, 0 to 1.
 */
export function backoff(outage: number, chance: number = Math.random()): number {
  return chance * Math.min(Math.max(outage * SPREAD, MIN), MAX)
}
