import type { SignalStatus } from '../status.js'

type State = SignalStatus['state']
type Without<Key extends string, Union> = Union extends unknown ? Omit<Union, Key> : never

/** The next state of a connection, with its data. */
export type NextStatus = Without<'since', SignalStatus>

/** The states that may follow each state. */
const FOLLOWERS: { readonly [From in State]: string } = {
  idle: 'connecting closed',
  connecting: 'online waiting suspended closed',
  online: 'waiting suspended closed',
  waiting: 'connecting waiting suspended closed',
  suspended: 'connecting closed',
  closed: 'connecting closed',
}

/**
 * Returns the status after a change, or the same object if the change is not allowed.
 *
 * @param at The time of the change (epoch ms).
 */
export function transition(status: SignalStatus, next: NextStatus, at: number): SignalStatus {
  const isFinal = status.state === 'closed' && status.reason === 'closed-by-page'
  return !isFinal && FOLLOWERS[status.state].includes(next.state) ? { ...next, since: at } : status
}
