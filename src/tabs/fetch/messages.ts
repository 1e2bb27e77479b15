import type { SharedResponse } from './shared-response.js'

/** A tab asks for the response of the tab that has the lock. All times are by the clock of the tab that asks. */
export interface Question {
  readonly type: 'question'
  /** The id of the tab that asks. */
  readonly tab: string
  readonly now: number
  /** When the last change arrived. */
  readonly changedAt: number
}

/** A message of the tab that has the lock. */
export type HolderMessage =
  /** Questions before this message may be unanswered. */
  | { readonly type: 'started' }
  | {
      readonly type: 'answer'
      /** When the request started at the earliest, by the clock of each tab that asked. */
      readonly startedAt: Readonly<Record<string, number>>
      /** Absent as long as the request runs. */
      readonly response?: SharedResponse | undefined
    }
