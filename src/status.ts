import type { SignalError } from './errors.js'

/** Why a connection ended for good. Only `closed-by-page` cannot be revived. */
export type CloseReason = 'closed-by-page' | 'unauthorized' | 'forbidden' | 'version' | 'refused'

/**
 * Where the connection stands: a new object at every change, so that two snapshots compare by identity.
 * `since` is when the state began, in epoch milliseconds; `attempt` counts the dials in a row, from 1.
 */
export type SignalStatus =
  /** Not asked to connect yet, or in a place without a WebSocket (a server that renders the page). */
  | { readonly state: 'idle'; readonly since: number }
  | { readonly state: 'connecting'; readonly since: number; readonly attempt: number }
  /** `resumed`: this page was online before. What it missed is replayed; where it cannot be, `onGap` tells. */
  | { readonly state: 'online'; readonly since: number; readonly resumed: boolean }
  /** `retryAt`: when the next dial comes, in epoch milliseconds. `reason`: the close code and text of the last connection. */
  | {
      readonly state: 'waiting'
      readonly since: number
      readonly attempt: number
      readonly retryAt: number
      readonly reason: string
    }
  /** The browser put the page aside (cached or frozen); the connection returns with the page. */
  | { readonly state: 'suspended'; readonly since: number; readonly reason: string }
  | {
      readonly state: 'closed'
      readonly since: number
      readonly reason: CloseReason
      readonly error?: SignalError
    }

export type StatusListener = (status: SignalStatus) => void

export interface StatusOptions {
  /** How long a lost connection stays untold, in milliseconds: when it is back sooner, nothing is told. @default 0 */
  readonly grace?: number
}

/** Wraps a status listener so that a drop shorter than `grace` milliseconds is never told. */
export function withGrace(
  listener: StatusListener,
  grace: number,
  present: SignalStatus,
): [tell: StatusListener, cancel: () => void] {
  let timer: ReturnType<typeof setTimeout> | undefined
  let told = present
  let latest = present

  function cancel(): void {
    clearTimeout(timer)
    timer = undefined
  }

  function pass(): void {
    cancel()
    told = latest
    listener(latest)
  }

  function tell(status: SignalStatus): void {
    latest = status
    if (told.state !== 'online' || status.state === 'closed' || grace <= 0) return pass()
    if (status.state === 'online') return cancel()
    timer ??= setTimeout(pass, grace)
  }

  return [tell, cancel]
}
