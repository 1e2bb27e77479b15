/** Upper bound of the first waits, in milliseconds. */
const MIN = 1000
/** Upper bound of every wait, in milliseconds. */
const MAX = 30_000

/**
 * How long to wait before the next dial, in milliseconds, when the relay has been away for `outage` milliseconds: anything
 * between nothing and as long again ("full jitter"). The bound grows with time and not with the number of dials, so that
 * a client which drew short waits is not sent away for long by them: after an outage everybody is back within its length.
 *
 * @param chance Where between the bounds, 0 to 1.
 */
export function backoff(outage: number, chance: number = Math.random()): number {
  return chance * Math.min(Math.max(outage, MIN), MAX)
}
