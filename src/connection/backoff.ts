export interface BackoffOptions {
  /** Upper bound of the first waits, in milliseconds. @default 1000 */
  readonly min?: number
  /** Upper bound of every wait, in milliseconds. @default 30_000 */
  readonly max?: number
  /** Source of jitter, 0 to 1. @default Math.random */
  readonly random?: () => number
}

/**
 * How long to wait before the next dial, in milliseconds, when the relay has been away for `outage` milliseconds: anything
 * between nothing and as long again ("full jitter"). The bound grows with time and not with the number of dials, so that
 * a client which drew short waits is not sent away for long by them: after an outage everybody is back within its length.
 */
export function backoff(
  outage: number,
  { min = 1000, max = 30_000, random = () => Math.random() }: BackoffOptions = {},
): number {
  return random() * Math.min(Math.max(outage, min), max)
}
