import { unshared, type ShareChanges } from './limits/shared-changes.js'

/** The processes of one command, which answer at one address: a single relay, or several workers. */
export interface Siblings {
  /** The label of this process in metrics. A single relay has none. */
  readonly worker?: string
  /**
   * Sets how this process answers the questions of a topic, and returns a function that asks all processes, this one
   * included. Processes that do not answer in time are left out.
   */
  share<Question, Answer>(
    topic: string,
    answer: (question: Question) => Answer,
  ): (question: Question) => Promise<readonly Answer[]>
  /** Shares the uses of a limit. Those of a process that ends are given back. */
  shareUses(limit: string): ShareChanges
  /** Shares the units that a rate limit has allowed. */
  shareRate(limit: string): ShareChanges
}

/** A relay that is the only process of its command. */
export const NO_SIBLINGS: Siblings = {
  share: (_, answer) => async (question) => [answer(question)],
  shareUses: () => unshared,
  shareRate: () => unshared,
}
