import type { SignalStatus } from '../status.js'

type State = SignalStatus['state']
type In<Name extends State> = Omit<Extract<SignalStatus, { state: Name }>, 'state' | 'since'>

/** What happens to a connection; each event carries the data of the state that it leads to. */
export type ConnectionEvent =
  | ({ readonly type: 'dial' } & In<'connecting'>)
  | ({ readonly type: 'welcome' } & In<'online'>)
  | ({ readonly type: 'lose' } & In<'waiting'>)
  | ({ readonly type: 'suspend' } & In<'suspended'>)
  | ({ readonly type: 'stop' } & In<'closed'>)

interface Targets {
  readonly dial: 'connecting'
  readonly welcome: 'online'
  readonly lose: 'waiting'
  readonly suspend: 'suspended'
  readonly stop: 'closed'
}

/** Where each event leads from each state. An event that is not listed has no place there. */
const TABLE: { readonly [From in State]: Partial<Targets> } = {
  idle: { dial: 'connecting', stop: 'closed' },
  connecting: { welcome: 'online', lose: 'waiting', suspend: 'suspended', stop: 'closed' },
  online: { lose: 'waiting', suspend: 'suspended', stop: 'closed' },
  waiting: { dial: 'connecting', suspend: 'suspended', stop: 'closed' },
  suspended: { dial: 'connecting', stop: 'closed' },
  closed: { dial: 'connecting', stop: 'closed' },
}

/**
 * The life of a connection: the status after an event that came `at` (epoch milliseconds), or the same object where the
 * event changes nothing.
 */
export function transition(status: SignalStatus, { type, ...data }: ConnectionEvent, at: number): SignalStatus {
  const state = TABLE[status.state][type]
  const isFinal = status.state === 'closed' && status.reason === 'closed-by-page'
  // The types of the events pair each with the data of its target.
  return state && !isFinal ? ({ state, since: at, ...data } as SignalStatus) : status
}
