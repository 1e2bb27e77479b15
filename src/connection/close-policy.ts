import * as CloseCode from '../protocol/close-codes.js'
import type { CloseReason } from '../status.js'

/** Why the relay ends a connection for good. */
export type EndReason = Exclude<CloseReason, 'closed-by-page'>

/** How a client answers a close code; PROTOCOL section 13 is the same table. */
export type ClosePolicy =
  /** Connects again after the wait that the relay asked for, else after `wait`, else after the backoff. */
  | { readonly action: 'retry'; readonly wait?: number; readonly spread?: number; readonly backsOff?: boolean }
  | { readonly action: 'end'; readonly reason: EndReason }
  /** Connects again at once if there is a fresh token. */
  | { readonly action: 'renew-token' }
  /** Connects again a few times only: a retry does not help against a defect. */
  | { readonly action: 'count' }
  /** Refuses the largest unanswered signal and connects again. */
  | { readonly action: 'refuse-largest' }

const REFUSE_LARGEST = { action: 'refuse-largest' } as const

const POLICIES: { readonly [code: number]: ClosePolicy } = {
  [CloseCode.MessageTooBig]: REFUSE_LARGEST,
  [CloseCode.BadFrame]: { action: 'count' },
  [CloseCode.Unauthorized]: { action: 'renew-token' },
  [CloseCode.Forbidden]: { action: 'end', reason: 'forbidden' },
  [CloseCode.TooLarge]: REFUSE_LARGEST,
  [CloseCode.Version]: { action: 'end', reason: 'version' },
  [CloseCode.Restart]: { action: 'retry', spread: 5000 },
  [CloseCode.TooSlow]: { action: 'retry', wait: 0 },
  [CloseCode.TooMany]: { action: 'retry', wait: 10_000, backsOff: true },
}

/** The policy for a close code. Unknown codes of the range 44xx end the connection; all others lead to a retry. */
export function closePolicy(code: number): ClosePolicy {
  const isFinal = code >= 4400 && code < 4500
  return POLICIES[code] ?? (isFinal ? { action: 'end', reason: 'refused' } : { action: 'retry' })
}
