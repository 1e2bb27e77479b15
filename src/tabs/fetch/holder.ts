import type { FetchNeeds } from '../../refresh/index.js'
import type { HolderMessage, Question } from './messages.js'
import type { SharedResponse } from './shared-response.js'

/** How long a response is kept for other tabs, as for other elements of a page (ms). */
const KEPT_FOR = 30_000
/** The error of three clock readings: browsers round each of them, to 17 ms at most (ms). */
const CLOCK_ERROR = 50

export interface HolderOptions {
  readonly needs: FetchNeeds
  /** The response to the request that starts now. */
  readonly response: Promise<SharedResponse>
  readonly post: (message: HolderMessage) => void
  /** The tab gives up the lock. */
  readonly release: () => void
  /** Aborts when the tab has given up the lock. */
  readonly released: AbortSignal
}

/**
 * Gives the response to a request of this tab to other tabs: to those that wait when it arrives, and later to those that
 * ask. It is kept as long as it is good and no tab needs a fresher one. Returns the function that answers questions.
 */
export function holdResponse({
  needs,
  response,
  post,
  release,
  released,
}: HolderOptions): (question: Question) => void {
  const requestedAt = performance.now()
  const waiting: Record<string, number> = {}
  let kept: SharedResponse | undefined
  let isOutdated = false

  async function distribute(): Promise<void> {
    const arrived = await response
    if (released.aborted) return
    if (Object.keys(waiting).length > 0) post({ type: 'answer', startedAt: waiting, response: arrived })
    if (isOutdated || !isGood(arrived) || needs.signal.aborted) return release()
    kept = arrived
    const timer = setTimeout(release, KEPT_FOR)
    released.addEventListener('abort', () => clearTimeout(timer))
    needs.signal.addEventListener('abort', release, { signal: released })
  }

  post({ type: 'started' })
  distribute().catch(release)

  return ({ tab, now, changedAt }) => {
    // The tab asked before this moment, so the request started no longer before the question than measured here.
    const startedAt = now - (performance.now() - requestedAt) - CLOCK_ERROR
    if (startedAt > changedAt) waiting[tab] = startedAt
    else isOutdated = true
    if (kept && isOutdated) release()
    else post({ type: 'answer', startedAt: { [tab]: startedAt }, response: kept })
  }
}

/** Whether a later request would probably bring the same: an error may be over, and a signed-out user may be back. */
function isGood({ status, redirected }: SharedResponse): boolean {
  return status === 200 && !redirected
}
