import type { SignalStatus } from '../status.js'

type State = SignalStatus['state']
type Without<Key extends string, Union> = Union extends unknown ? Omit<Union, Key> : never

/** What happens to a connection: the state that it comes to, with the data of that state. */
export type NextStatus = Without<'since', SignalStatus>

/** Which states may follow each. One that is not listed has no place there. */
const FOLLOWERS: { readonly [From in State]: readonly State[] } = {
  idle: ['connecting', 'closed'],
  connecting: ['online', 'waiting', 'suspended', 'closed'],
  online: ['waiting', 'suspended', 'closed'],
  waiting: ['connecting', 'waiting', 'suspended', 'closed'],
  suspended: ['connecting', 'closed'],
  closed: ['connecting', 'closed'],
}

/**
 * The life of a connection: the status after what happened `at` (epoch milliseconds), or the same object where that
 * changes nothing.
 */
export function transition(status: SignalStatus, next: NextStatus, at: number): SignalStatus {
  const isFinal = status.state === 'closed' && status.reason === 'closed-by-page'
  return !isFinal && FOLLOWERS[status.state].includes(next.state) ? { ...next, since: at } : status
}
