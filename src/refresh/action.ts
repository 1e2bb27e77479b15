import type { Signal } from '../signals.js'

/** What a refresh is told about itself. */
export interface RefreshContext {
  /** Aborts when the refresh is no longer wanted: after `stop()`, and when the client is closed. */
  readonly signal: AbortSignal
  /** What it reacts to, in order. Empty after a gap, and when there were more than 100: everything may have changed. */
  readonly signals: readonly Signal[]
  /** When the last of it came, on the clock of `performance.now()`: what was fetched later shows all of it. */
  readonly changedAt: number
}

/** Whether a refresh has to wait, because it would take away what the user is doing. */
export type Guard = () => boolean

/** What a refresh does: any function, async or not. It has failed when it throws or rejects. */
export interface RefreshAction {
  (context: RefreshContext): unknown
  /** The element that it renews, which shows that it is busy. */
  readonly target?: () => Element | null
  /** What it cannot keep, unless the options say otherwise. Default: anything edited on the page, and an open dialog. */
  readonly guard?: Guard
}
