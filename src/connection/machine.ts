import type { SignalError } from '../errors.js'
import type { CloseReason, SignalStatus } from '../status.js'

/** What happens to a connection. `at` is the time, in epoch milliseconds. */
export type ConnectionEvent =
  | { readonly type: 'dial'; readonly at: number }
  | { readonly type: 'welcome'; readonly at: number; readonly resumed: boolean }
  /** `failures`: the dials in a row that led to nothing, this one included. */
  | {
      readonly type: 'lost'
      readonly at: number
      readonly failures: number
      readonly retryAt: number
      readonly reason: string
    }
  | { readonly type: 'suspend'; readonly at: number; readonly reason: string }
  | { readonly type: 'stop'; readonly at: number; readonly reason: CloseReason; readonly error?: SignalError }

type In<State extends SignalStatus['state']> = Extract<SignalStatus, { state: State }>
type On<Type extends ConnectionEvent['type']> = Extract<ConnectionEvent, { type: Type }>
type Move<State extends SignalStatus['state'], Type extends ConnectionEvent['type']> = (
  status: In<State>,
  event: On<Type>,
) => SignalStatus
type Table = {
  readonly [State in SignalStatus['state']]: { readonly [Type in ConnectionEvent['type']]?: Move<State, Type> }
}

const firstDial = (_: SignalStatus, { at }: On<'dial'>): SignalStatus => ({
  state: 'connecting',
  since: at,
  attempt: 1,
})
const lose = (_: SignalStatus, { at, failures, retryAt, reason }: On<'lost'>): SignalStatus => ({
  state: 'waiting',
  since: at,
  attempt: failures,
  retryAt,
  reason,
})
const suspend = (_: SignalStatus, { at, reason }: On<'suspend'>): SignalStatus => ({
  state: 'suspended',
  since: at,
  reason,
})
const stop = (_: SignalStatus, { at, reason, error }: On<'stop'>): SignalStatus => ({
  state: 'closed',
  since: at,
  reason,
  ...(error && { error }),
})

const TABLE: Table = {
  idle: { dial: firstDial, stop },
  connecting: {
    welcome: ({ attempt }, { at, resumed }) => ({ state: 'online', since: at, attempt, resumed }),
    lost: lose,
    suspend,
    stop,
  },
  online: { lost: lose, suspend, stop },
  waiting: {
    dial: ({ attempt }, { at }) => ({ state: 'connecting', since: at, attempt: attempt + 1 }),
    suspend,
    stop,
  },
  suspended: { dial: firstDial, stop },
  closed: {
    dial: (status, event) => (status.reason === 'closed-by-page' ? status : firstDial(status, event)),
    stop: (status, event) => (status.reason === 'closed-by-page' ? status : stop(status, event)),
  },
}

/** The life of a connection: where an event leads from a status. An event that has no place there changes nothing. */
export function transition(status: SignalStatus, event: ConnectionEvent): SignalStatus {
  // The table pairs each state with its own kind of status, which the compiler cannot follow through an index.
  const move = TABLE[status.state][event.type] as
    ((from: SignalStatus, by: ConnectionEvent) => SignalStatus) | undefined
  return move ? move(status, event) : status
}
