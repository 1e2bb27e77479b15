/** Upper bound of the first wait (ms). */
const MIN = 1000
/** Upper bound of the next ones (ms): less, and clients that failed once would return together with those that did not. */
const MIN_AGAIN = 2500
/** Upper bound of every wait (ms). */
const MAX = 30_000

/**
 * Returns the wait before the next attempt (ms): a random time up to a bound ("full jitter"). The bound grows with the
 * outage, not with the attempts, so unlucky short waits do not lead to long ones.
 *
 * @param outage How long the relay has been unreachable (ms).
 * @param chance The random number, from 0 to 1.
 * @param failures The number of attempts that failed since the connection was lost.
 */
export function backoff(outage: number, chance: number = Math.random(), failures?: number): number {
  return chance * Math.min(Math.max(outage, failures ? MIN_AGAIN : MIN), MAX)
}
