import { describe, expect, it } from 'vitest'
import {
  type Conditions,
  type ConnectionEvents,
  type ConnectionState,
  initialState,
  reduce,
} from '../../src/connection/reducer.js'
import type { RelayFrame } from '../../src/protocol/frames.js'

const CONDITIONS: Conditions = {
  now: 1000,
  wallClock: 50_000,
  chance: 0.5,
  isHidden: false,
  isPrerendering: false,
  hasWebSocket: true,
  address: 'wss://relay.test/signals',
  finding: '',
}

const begun: ConnectionState = { ...initialState('token', 0, 0), isWanted: true, attemptId: 7 }
const since = 0

const STATES = {
  idle: initialState('token', 0, 0),
  connecting: {
    ...begun,
    startedAt: 900,
    status: { state: 'connecting', since, attempt: 1 },
    deadline: { at: 1000, of: 'token' },
  },
  online: { ...begun, startedAt: 900, wasOnline: true, status: { state: 'online', since: 49_000, resumed: false } },
  waiting: {
    ...begun,
    startedAt: -9000,
    failures: 1,
    status: { state: 'waiting', since, attempt: 1, retryAt: 1, reason: '1006' },
    deadline: { at: 1000, of: 'attempt' },
  },
  suspended: { ...begun, status: { state: 'suspended', since, reason: 'pagehide' } },
  unauthorized: { ...begun, status: { state: 'closed', since, reason: 'unauthorized' } },
  closed: { ...begun, status: { state: 'closed', since, reason: 'closed-by-page' } },
} satisfies Record<string, ConnectionState>

type StateName = keyof typeof STATES
type Input = { [Name in keyof ConnectionEvents]: readonly [Name, ConnectionEvents[Name]] }[keyof ConnectionEvents]

const frame = (fields: object): Input => ['frame', { frame: fields as RelayFrame }]

const EVENTS = {
  connect: ['connect', undefined],
  wake: ['wake', undefined],
  pagehide: ['suspend', { reason: 'pagehide' }],
  freeze: ['suspend', { reason: 'freeze' }],
  setToken: ['set-token', { token: 'new' }],
  token: ['token', { attemptId: 7, token: 'fresh' }],
  noToken: ['token', { attemptId: 7, token: undefined }],
  tokenFailed: ['token-failed', { attemptId: 7, cause: 'cause' }],
  opened: ['opened', undefined],
  welcome: frame({ type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 1, window: 1 }),
  goodbye: frame({ type: 'goodbye', retryAfter: 5, reason: '' }),
  joined: frame({ type: 'joined' }),
  malformed: frame({ type: 'malformed' }),
  unknown: frame({ type: 'unknown' }),
  welcomed: ['welcomed', undefined],
  lost: ['lost', { code: 1006, text: '' }],
  dead: ['dead', undefined],
  due: ['due', undefined],
  close: ['close', undefined],
} satisfies Record<string, Input>

/** The runner closes the socket, stops the timer and outdates the attempt before it comes to such a state. */
const IMPOSSIBLE = 'impossible'
const NO_SOCKET = {
  idle: IMPOSSIBLE,
  waiting: IMPOSSIBLE,
  suspended: IMPOSSIBLE,
  unauthorized: IMPOSSIBLE,
  closed: IMPOSSIBLE,
}
const ATTEMPT = 'connecting emitStatus drop askToken @token'
const RETRY = 'waiting drop emitStatus @attempt'
const FAILED = 'waiting report drop emitStatus @attempt'

/** For each event and state: the next status, the effects, and the deadline that runs afterwards. */
const TABLE: Record<keyof typeof EVENTS, Record<StateName, string>> = {
  connect: {
    idle: ATTEMPT,
    connecting: 'connecting @token',
    online: 'online',
    waiting: ATTEMPT,
    suspended: ATTEMPT,
    unauthorized: ATTEMPT,
    closed: 'closed',
  },
  wake: {
    idle: 'idle',
    connecting: 'connecting @wake',
    // The runner asks the liveness of the connection instead.
    online: 'online',
    waiting: ATTEMPT,
    suspended: ATTEMPT,
    unauthorized: 'closed',
    closed: 'closed',
  },
  pagehide: {
    idle: 'idle drop suspend',
    connecting: 'suspended drop emitStatus suspend',
    online: 'suspended drop emitStatus suspend',
    waiting: 'suspended drop emitStatus suspend',
    suspended: 'suspended suspend',
    unauthorized: 'closed drop suspend',
    closed: IMPOSSIBLE,
  },
  freeze: {
    idle: 'idle drop suspend',
    connecting: 'suspended drop emitStatus suspend',
    online: 'suspended drop emitStatus suspend',
    waiting: 'suspended drop emitStatus suspend',
    suspended: 'suspended',
    unauthorized: 'closed drop suspend',
    closed: IMPOSSIBLE,
  },
  setToken: {
    idle: 'idle',
    connecting: RETRY,
    online: 'online askToken @token',
    waiting: 'waiting @attempt',
    suspended: 'suspended',
    unauthorized: ATTEMPT,
    closed: 'closed',
  },
  token: { ...NO_SOCKET, connecting: 'connecting open', online: 'online send' },
  noToken: { ...NO_SOCKET, connecting: 'connecting open', online: 'online' },
  tokenFailed: { ...NO_SOCKET, connecting: FAILED, online: 'online' },
  opened: { ...NO_SOCKET, connecting: 'connecting hello @welcome', online: IMPOSSIBLE },
  welcome: { ...NO_SOCKET, connecting: 'connecting welcome', online: 'online welcome' },
  goodbye: { ...NO_SOCKET, connecting: 'connecting @token', online: 'online' },
  joined: { ...NO_SOCKET, connecting: FAILED, online: 'online passOn' },
  malformed: { ...NO_SOCKET, connecting: FAILED, online: 'online report' },
  unknown: { ...NO_SOCKET, connecting: FAILED, online: 'online' },
  // A listener of the welcome may have closed or suspended the connection.
  welcomed: {
    idle: IMPOSSIBLE,
    connecting: 'online emitStatus @token',
    online: 'online',
    waiting: 'waiting @attempt',
    suspended: 'suspended',
    unauthorized: IMPOSSIBLE,
    closed: 'closed',
  },
  lost: { ...NO_SOCKET, connecting: RETRY, online: RETRY },
  dead: { ...NO_SOCKET, connecting: IMPOSSIBLE, online: RETRY },
  due: { ...NO_SOCKET, connecting: FAILED, online: 'online', waiting: ATTEMPT },
  close: {
    idle: 'closed drop emitStatus',
    connecting: 'closed drop emitStatus',
    online: 'closed drop emitStatus',
    waiting: 'closed drop emitStatus',
    suspended: 'closed drop emitStatus',
    unauthorized: 'closed drop emitStatus',
    closed: 'closed drop',
  },
}

function describeStep(state: ConnectionState, [name, event]: Input, conditions: Partial<Conditions> = {}): string {
  const { status, effects, deadline } = reduce(state, { ...CONDITIONS, ...conditions }, name, event)
  return [status.state, ...effects.map(([effect]) => effect), ...(deadline ? [`@${deadline.of}`] : [])].join(' ')
}

describe('every state and every event', () => {
  const rows = Object.entries(TABLE).flatMap(([event, row]) =>
    Object.entries(row).map(([state, wanted]) => [event, state, wanted] as const),
  )

  it.each(rows.filter(([, , wanted]) => wanted !== IMPOSSIBLE))('%s while %s leads to: %s', (event, state, wanted) => {
    expect(describeStep(STATES[state as StateName], EVENTS[event as keyof typeof EVENTS])).toBe(wanted)
  })

  it('leave the state before them as it was', () => {
    for (const state of Object.values(STATES)) {
      const before = structuredClone(state)
      for (const [name, event] of Object.values(EVENTS)) reduce(Object.freeze(state), CONDITIONS, name, event)
      expect(state).toEqual(before)
    }
  })

  it.each(['token', 'noToken', 'tokenFailed'] as const)(
    '%s of an earlier attempt does nothing in any state',
    (event) => {
      for (const state of Object.values(STATES)) {
        const later = { ...state, attemptId: 8 }
        const { status, effects, deadline } = reduce(later, CONDITIONS, EVENTS[event][0], EVENTS[event][1])
        expect([status, effects, deadline]).toEqual([later.status, [], later.deadline])
      }
    },
  )
})

describe('the conditions', () => {
  it.each([
    ['a page without a WebSocket', { hasWebSocket: false }, 'idle report'],
    ['a page that the browser only prepares', { isPrerendering: true }, 'idle'],
  ])('keep %s from connecting', (_what, conditions, wanted) => {
    expect(describeStep(STATES.idle, EVENTS.connect, conditions)).toBe(wanted)
  })

  it('make a hidden page wait for 5 seconds, however short the wait that was asked for', () => {
    const waits = [false, true].map((isHidden) => {
      const { deadline } = reduce(STATES.online, { ...CONDITIONS, isHidden }, 'dead', undefined)
      return deadline?.at
    })
    expect(waits).toEqual([1000, 6000])
  })
})

describe('deadlines', () => {
  const online: ConnectionState = STATES.online
  const due = (state: ConnectionState, of: NonNullable<ConnectionState['deadline']>['of'], now = 1000): string =>
    describeStep({ ...state, deadline: { at: 1000, of } }, EVENTS.due, { now })

  it.each([
    ['a token function that takes too long', STATES.connecting, 'token', FAILED],
    ['a new token that the relay does not answer', { ...online, isTokenPending: true }, 'token', FAILED],
    ['a server that never welcomed the page', STATES.connecting, 'welcome', FAILED],
    ['a relay that welcomed the page before', { ...STATES.connecting, wasOnline: true }, 'welcome', RETRY],
    ['a token that expires', online, 'renewal', 'online askToken'],
    ['an attempt that hangs on a page that woke', STATES.connecting, 'wake', RETRY],
  ] as const)('of %s', (_what, state, of, wanted) => {
    expect(due(state, of)).toBe(wanted)
  })

  it('that come much too late prove nothing about the relay', () => {
    expect(due(STATES.connecting, 'welcome', 3001)).toBe('connecting @welcome')
  })
})
