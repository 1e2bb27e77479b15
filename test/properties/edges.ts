import { type NextStatus, transition } from '../../src/connection/status-transitions.js'
import type { SignalStatus } from '../../src/index.js'

const EVENTS: readonly NextStatus[] = [
  { state: 'connecting', attempt: 1 },
  { state: 'online', resumed: false },
  { state: 'waiting', attempt: 1, retryAt: 0, reason: '' },
  { state: 'suspended', reason: '' },
  { state: 'closed', reason: 'closed-by-page' },
]

/** Whether the machine of the connection has an edge from one status to the other. */
export function isEdge(from: SignalStatus, to: SignalStatus): boolean {
  return EVENTS.some((event) => {
    const next = transition(from, event, 0)
    return next !== from && next.state === to.state
  })
}
