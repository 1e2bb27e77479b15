/** Time for which a failed append counts, unless it succeeds before (ms). */
const HOLD = 10_000

/** The appends that failed and have not succeeded since. */
export interface FailedAppends {
  /** True while the log must not be called ready. */
  readonly isHolding: boolean
  fail(id: string): void
  succeed(id: string): void
}

/**
 * Remembers failed appends. A full server accepts some writes and refuses others, so the success of a probe says little
 * about the next signal.
 *
 * @param isPartial True for several servers, of which some may work: then one success within the hold suffices.
 */
export function createFailedAppends(isPartial: boolean): FailedAppends {
  /** The time of the last failure, by the id of the signal. */
  const failedAt = new Map<string, number>()
  let succeededAt = Number.NEGATIVE_INFINITY

  return {
    get isHolding() {
      const since = performance.now() - HOLD
      for (const [id, at] of failedAt) if (at < since) failedAt.delete(id)
      return failedAt.size > 0 && !(isPartial && succeededAt > since)
    },
    fail(id) {
      failedAt.set(id, performance.now())
    },
    succeed(id) {
      failedAt.delete(id)
      succeededAt = performance.now()
    },
  }
}
