export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. @default 1000 */
  readonly min?: number
  /** Upper bound of every wait, in milliseconds. @default 30_000 */
  readonly max?: number
  /** Source of jitter, 0 to 1. @default Math.random */
  readonly random?: () => number
}

/**
 * How long to wait before the next dial, in milliseconds, after `failures` in a row: anything between nothing and a bound
 * that doubles each time ("full jitter"), so that clients which lost the relay together do not return together.
 */
export function backoff(
  failures: number,
  { min = 1000, max = 30_000, random = () => Math.random() }: BackoffOptions = {},
): number {
  return random() * Math.min(min * 2 ** failures, max)
}
