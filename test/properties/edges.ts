import { transition, type ConnectionEvent } from '../../src/connection/machine.js'
import type { SignalStatus } from '../../src/index.js'

const EVENTS: readonly ConnectionEvent[] = [
  { type: 'dial', attempt: 1 },
  { type: 'welcome', resumed: false },
  { type: 'lose', attempt: 1, retryAt: 0, reason: '' },
  { type: 'suspend', reason: '' },
  { type: 'stop', reason: 'closed-by-page' },
]

/** Whether the machine of the connection has an edge from one status to the other. */
export function isEdge(from: SignalStatus, to: SignalStatus): boolean {
  return EVENTS.some((event) => {
    const next = transition(from, event, 0)
    return next !== from && next.state === to.state
  })
}
