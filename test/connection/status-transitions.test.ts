import { describe, expect, it } from 'vitest'
import { type NextStatus, transition } from '../../src/connection/status-transitions.js'
import type { SignalStatus } from '../../src/status.js'

const STATUSES: { readonly [State in SignalStatus['state']]: Extract<SignalStatus, { state: State }> } = {
  idle: { state: 'idle', since: 1 },
  connecting: { state: 'connecting', since: 1, attempt: 1 },
  online: { state: 'online', since: 1, resumed: false },
  waiting: { state: 'waiting', since: 1, attempt: 1, retryAt: 2, reason: '1006' },
  suspended: { state: 'suspended', since: 1, reason: 'frozen' },
  closed: { state: 'closed', since: 1, reason: 'unauthorized' },
}

const EVENTS: readonly NextStatus[] = [
  { state: 'connecting', attempt: 2 },
  { state: 'online', resumed: true },
  { state: 'waiting', attempt: 3, retryAt: 9, reason: '1001' },
  { state: 'suspended', reason: 'cached' },
  { state: 'closed', reason: 'closed-by-page' },
]

describe('the life of a connection', () => {
  it.each<[SignalStatus['state'], readonly (SignalStatus['state'] | '-')[]]>([
    ['idle', ['connecting', '-', '-', '-', 'closed']],
    ['connecting', ['-', 'online', 'waiting', 'suspended', 'closed']],
    ['online', ['-', '-', 'waiting', 'suspended', 'closed']],
    ['waiting', ['connecting', '-', 'waiting', 'suspended', 'closed']],
    ['suspended', ['connecting', '-', '-', '-', 'closed']],
    ['closed', ['connecting', '-', '-', '-', 'closed']],
  ])('leads from %s to connecting, online, waiting, suspended and closed as follows: %s', (from, targets) => {
    const status = STATUSES[from]
    const reached = EVENTS.map((event) => {
      const next = transition(status, event, 5)
      return next === status ? '-' : next.state
    })
    expect(reached).toEqual(targets)
  })

  it('keeps in each state just the data of that state', () => {
    expect(transition(STATUSES.online, { state: 'waiting', attempt: 3, retryAt: 9, reason: '1001' }, 5)).toEqual({
      state: 'waiting',
      since: 5,
      attempt: 3,
      retryAt: 9,
      reason: '1001',
    })
  })

  it('never leaves what the page closed', () => {
    const closed: SignalStatus = { state: 'closed', since: 1, reason: 'closed-by-page' }
    for (const event of EVENTS) expect(transition(closed, event, 5)).toBe(closed)
  })
})
