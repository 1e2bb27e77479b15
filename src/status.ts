import type { SignalError } from './errors.js'

/** Why a connection ended. `connect()` reconnects after every reason but `closed-by-page`. */
export type CloseReason = 'closed-by-page' | 'unauthorized' | 'forbidden' | 'version' | 'refused'

/**
 * The status of the connection: a new object at every change, so that two snapshots compare by identity. `since`: when the
 * state began (epoch ms). `attempt`: the number of attempts in a row, from 1.
 */
export type SignalStatus =
  /** Not connected yet, or in an environment without WebSocket (a server that renders the page). */
  | { readonly state: 'idle'; readonly since: number }
  | { readonly state: 'connecting'; readonly since: number; readonly attempt: number }
  /** `resumed`: this page was online before. The relay replays the signals that it missed, or `onGap` reports a gap. */
  | { readonly state: 'online'; readonly since: number; readonly resumed: boolean }
  /** `retryAt`: the time of the next attempt (epoch ms). `reason`: the close code and text of the last connection. */
  | {
      readonly state: 'waiting'
      readonly since: number
      readonly attempt: number
      readonly retryAt: number
      readonly reason: string
    }
  /** The browser has cached or frozen the page; the connection returns with the page. */
  | { readonly state: 'suspended'; readonly since: number; readonly reason: string }
  | {
      readonly state: 'closed'
      readonly since: number
      readonly reason: CloseReason
      readonly error?: SignalError
    }

export type StatusListener = (status: SignalStatus) => void

export interface StatusOptions {
  /** How long a connection must be lost before the listener is called (ms). @default 0 */
  readonly grace?: number
}

/** Wraps a status listener: it ignores interruptions shorter than `grace` milliseconds. */
export function withGrace(
  listener: StatusListener,
  grace: number,
  present: SignalStatus,
): [report: StatusListener, cancel: () => void] {
  let timer: ReturnType<typeof setTimeout> | undefined
  let reported = present
  let latest = present

  function cancel(): void {
    clearTimeout(timer)
    timer = undefined
  }

  function pass(): void {
    cancel()
    reported = latest
    listener(latest)
  }

  function report(status: SignalStatus): void {
    latest = status
    if (reported.state !== 'online' || status.state === 'closed' || grace <= 0) return pass()
    if (status.state === 'online') return cancel()
    timer ??= setTimeout(pass, grace)
  }

  return [report, cancel]
}
