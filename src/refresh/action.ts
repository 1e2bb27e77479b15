import type { Signal } from '../signals.js'

/** The context that a refresh action receives. */
export interface RefreshContext {
  /** Aborts when the refresh is obsolete: after `stop()`, and when the client is closed. */
  readonly signal: AbortSignal
  /** The signals behind this refresh, in order. Empty after a gap or more than 100 signals: everything may have changed. */
  readonly signals: readonly Signal[]
  /** When the last signal arrived, as `performance.now()`: a fetch that starts later contains all changes. */
  readonly changedAt: number
}

/** Whether a refresh has to wait because it would discard work of the user. */
export type Guard = () => boolean

/** The function that refreshes, async or not. The refresh fails when the function throws or rejects. */
export interface RefreshAction {
  (context: RefreshContext): unknown
  /** The element that the action renews; it gets `aria-busy`. */
  readonly target?: () => Element | null
  /** Whether the action has to wait, unless the options set a guard. Default: any edited field or open dialog on the page. */
  readonly guard?: Guard
  /** Whether the waiting run would discard what the user has entered: the hint says so. */
  readonly wouldDiscard?: Guard
}
