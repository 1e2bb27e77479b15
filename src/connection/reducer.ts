import { SignalError, type SignalErrorCode } from '../errors.js'
import type { Decoded } from '../protocol/codec.js'
import type { ClientFrame, RelayFrame, WelcomeFrame } from '../protocol/frames.js'
import type { Token } from '../signals.js'
import type { SignalStatus } from '../status.js'
import { backoff } from './backoff.js'
import { closePolicy, type EndReason } from './close-policy.js'
import { type NextStatus, transition } from './status-transitions.js'
import {
  HIDDEN_WAIT,
  LATE,
  MAX_BAD_FRAMES,
  MAX_REQUESTED,
  MINUTE,
  STABLE_AFTER,
  TOKEN_TIMEOUT,
  UNREACHABLE_AFTER,
  WAKE_INTERVAL,
  WELCOME_TIMEOUT,
} from './timing.js'
import { renewalDelay } from './tokens.js'

/** Advice for the case that the relay has ended the connection for good. */
const ADVICE = {
  unauthorized: 'Call setToken()',
  forbidden: "Start the relay with --origin <this page's origin>",
  version: 'Update the page or the relay',
  refused: "See the relay's log",
}

/** The only pending timeout of a connection, on the clock of `performance.now()`. */
export interface Deadline {
  readonly at: number
  /** `token`: the application; `welcome`: the relay; `renewal`: the token's life; `attempt`: the backoff; `wake`: see WAKE_INTERVAL. */
  readonly of: 'token' | 'welcome' | 'renewal' | 'attempt' | 'wake'
}

export interface ConnectionState {
  readonly status: SignalStatus
  readonly token: Token | undefined
  /** The token of the last attempt, which a function gave. */
  readonly lastToken: string | undefined
  /** Whether there may be a token that the relay has not refused. */
  readonly hasFreshToken: boolean
  /** Whether the relay has still to answer to a token that may be another user's: signals wait until then. */
  readonly isTokenPending: boolean
  /** Every attempt and every request for a token has a number; an answer to an earlier one is ignored. */
  readonly attemptId: number
  readonly failures: number
  /** The number of sockets that ended before a relay answered. */
  readonly lostDials: number
  /** When the outage began, by which the backoff grows. */
  readonly awaySince: number
  /** When the present connection was welcomed, by the monotonic clock (ms). */
  readonly onlineSince: number
  readonly startedAt: number
  readonly badFramesAt: readonly number[]
  readonly isWanted: boolean
  readonly wasOnline: boolean
  /** The wait that the relay asked for (ms). */
  readonly retryAfter: number | undefined
  readonly deadline: Deadline | undefined
}

/** Events of a connection, each with its data. */
export interface ConnectionEvents {
  connect: void
  wake: void
  suspend: { readonly reason: string }
  'set-token': { readonly token: Token }
  token: { readonly attemptId: number; readonly token: string | undefined }
  'token-failed': { readonly attemptId: number; readonly cause: unknown }
  opened: void
  frame: { readonly frame: Decoded<RelayFrame> }
  /** The client knows of the first welcome of the connection. */
  welcomed: void
  lost: { readonly code: number; readonly text: string }
  /** The relay does not answer any more. */
  dead: void
  /** The deadline has come. */
  due: void
  close: void
}

/** Effects that the runner performs, in order. */
export interface Effects {
  /** Lets go of the socket. */
  drop: void
  emitStatus: SignalStatus
  report: SignalError
  /** @param attemptId The number that the answer belongs to. */
  askToken: number
  open: void
  hello: void
  send: ClientFrame
  welcome: { readonly frame: WelcomeFrame; readonly isFirst: boolean; readonly beat: number }
  passOn: Exclude<RelayFrame, WelcomeFrame>
  suspend: void
  refuseLargest: void
  /** Asks the relay's address by HTTP. */
  probe: void
}

export type Effect = { [Name in keyof Effects]: readonly [name: Name, value?: Effects[Name]] }[keyof Effects]

/** Everything from outside that a decision depends on. */
export interface Conditions {
  /** The monotonic clock (ms). */
  readonly now: number
  /** Epoch milliseconds. */
  readonly wallClock: number
  /** From 0 to 1. */
  readonly chance: number
  readonly isHidden: boolean
  /** Whether the browser only prepares the page, which may never be seen. */
  readonly isPrerendering: boolean
  readonly hasWebSocket: boolean
  /** The relay's address, for error texts. */
  readonly address: string
  /** A sentence about the reason why no relay answers, as far as the browser gives one. */
  readonly finding: string
}

/** A state while it becomes the next one. */
type Draft = { -readonly [Key in keyof ConnectionState]: ConnectionState[Key] } & Conditions & {
    readonly effects: Effect[]
  }

/** The state after an event, and what the runner has to do because of it. */
export type Transition = ConnectionState & { readonly effects: readonly Effect[] }

export function initialState(token: Token | undefined, now: number, wallClock: number): ConnectionState {
  return {
    status: { state: 'idle', since: wallClock },
    token,
    lastToken: undefined,
    hasFreshToken: true,
    isTokenPending: false,
    attemptId: 0,
    failures: 0,
    lostDials: 0,
    awaySince: now,
    onlineSince: now,
    startedAt: -Infinity,
    badFramesAt: [],
    isWanted: false,
    wasOnline: false,
    retryAfter: undefined,
    deadline: undefined,
  }
}

/** The life of a connection. Pure: time and chance come in with the conditions. */
export function reduce<Name extends keyof ConnectionEvents>(
  state: ConnectionState,
  conditions: Conditions,
  name: Name,
  event: ConnectionEvents[Name],
): Transition {
  const draft: Draft = { ...state, ...conditions, effects: [] }
  HANDLERS[name](draft, event)
  return draft
}

const HANDLERS: { readonly [Name in keyof ConnectionEvents]: (draft: Draft, event: ConnectionEvents[Name]) => void } = {
  connect,
  wake,
  suspend,
  'set-token': setToken,
  token: onToken,
  'token-failed': onTokenFailed,
  opened: onOpened,
  frame: onFrame,
  welcomed: goOnline,
  lost: onLost,
  dead: (draft) => retry(draft, 'no answer', 0),
  due: onDue,
  close,
}

/** Returns whether the status may follow the present one; only then it changes. */
function setStatus(draft: Draft, status: NextStatus): boolean {
  const before = draft.status
  draft.status = transition(before, status, draft.wallClock)
  if (draft.status === before) return false
  draft.effects.push(['emitStatus', draft.status])
  return true
}

function report(draft: Draft, code: SignalErrorCode, text: string, cause?: unknown): void {
  draft.effects.push(['report', new SignalError(code, text, cause)])
}

function startDeadline(draft: Draft, of: Deadline['of'], wait: number): void {
  draft.deadline = { at: draft.now + wait, of }
}

function drop(draft: Draft): void {
  draft.attemptId += 1
  draft.deadline = undefined
  draft.isTokenPending = false
  draft.effects.push(['drop'])
}

function connect(draft: Draft): void {
  if (draft.status.state === 'closed' && draft.status.reason === 'closed-by-page') return
  if (!draft.hasWebSocket) {
    return report(draft, 'no-websocket', 'There is no page. A server uses POST /publish.')
  }
  draft.isWanted = true
  if (draft.isPrerendering) return
  if (draft.status.state === 'idle' || draft.status.state === 'closed') resetBackoff(draft)
  if (!setStatus(draft, { state: 'connecting', attempt: draft.failures + 1 })) return
  drop(draft)
  draft.startedAt = draft.now
  draft.retryAfter = undefined
  askToken(draft, true)
}

function askToken(draft: Draft, isLimited: boolean): void {
  draft.attemptId += 1
  if (isLimited) startDeadline(draft, 'token', TOKEN_TIMEOUT)
  draft.effects.push(['askToken', draft.attemptId])
}

function onToken(draft: Draft, { attemptId, token }: ConnectionEvents['token']): void {
  if (attemptId !== draft.attemptId) return
  const isConnected = draft.status.state === 'online'
  if (isConnected && token === undefined) return failToken(draft)
  draft.lastToken = token
  if (isConnected) draft.effects.push(['send', { type: 'token', token: token! }])
  else {
    draft.deadline = undefined
    draft.effects.push(['open'])
  }
}

function onTokenFailed(draft: Draft, { attemptId, cause }: ConnectionEvents['token-failed']): void {
  if (attemptId === draft.attemptId) failToken(draft, cause)
}

/** A renewal that fails needs no report: the next attempt asks again. */
function failToken(draft: Draft, cause?: unknown): void {
  if (draft.status.state === 'online' && !draft.isTokenPending) return
  const fault = cause ? 'failed: see error.cause' : 'gave none within 15 s'
  report(draft, 'token-failed', `The option token ${fault}.`, cause)
  retry(draft, 'no token')
}

function setToken(draft: Draft, { token }: ConnectionEvents['set-token']): void {
  const { status } = draft
  draft.token = token
  draft.lastToken = undefined
  draft.hasFreshToken = true
  if (status.state === 'closed' && status.reason === 'unauthorized') return connect(draft)
  if (status.state === 'connecting') {
    // The hello with the old token may be on its way, and the failures may be those of the old token.
    resetBackoff(draft)
    retry(draft, 'new token', 0)
  } else if (status.state === 'online') {
    draft.isTokenPending = true
    askToken(draft, true)
  }
}

function onOpened(draft: Draft): void {
  if (typeof draft.token !== 'function') draft.hasFreshToken = false
  draft.effects.push(['hello'])
  startDeadline(draft, 'welcome', WELCOME_TIMEOUT)
}

function goOnline(draft: Draft): void {
  const resumed = draft.wasOnline
  draft.wasOnline = true
  draft.onlineSince = draft.now
  setStatus(draft, { state: 'online', resumed })
}

/** Whether a frame needs no decision: most frames do not. */
export function isPassedOn(
  { status }: ConnectionState,
  frame: Decoded<RelayFrame>,
): frame is Extract<RelayFrame, { type: 'signal' }> {
  return status.state === 'online' && frame.type === 'signal'
}

function onFrame(draft: Draft, { frame }: ConnectionEvents['frame']): void {
  if (frame.type === 'welcome') onWelcome(draft, frame)
  else if (frame.type === 'goodbye') draft.retryAfter = Math.min(frame.retryAfter, MAX_REQUESTED)
  else if (draft.status.state !== 'online') rejectServer(draft)
  else if (frame.type === 'malformed') report(draft, 'bad-frame', 'A frame breaks the protocol.')
  else if (frame.type !== 'unknown') draft.effects.push(['passOn', frame])
}

function onWelcome(draft: Draft, frame: WelcomeFrame): void {
  const { beat, expiresIn } = frame
  draft.deadline = undefined
  draft.isTokenPending = false
  draft.hasFreshToken = typeof draft.token === 'function'
  if (expiresIn && draft.hasFreshToken) startDeadline(draft, 'renewal', renewalDelay(expiresIn))
  const isFirst = draft.status.state !== 'online'
  draft.effects.push(['welcome', { frame, isFirst, beat: Math.min(beat, MAX_REQUESTED) }])
}

function rejectServer(draft: Draft): void {
  const { address } = draft
  report(draft, 'no-protocol', `${address} is not a signalpost relay. Check the url, or try { protocol: 'plain' }.`)
  retry(draft, 'no protocol')
}

function onLost(draft: Draft, { code, text }: ConnectionEvents['lost']): void {
  const { now, chance } = draft
  const reason = `${code} ${text}`.trim()
  const policy = closePolicy(code)
  resetIfStable(draft)
  switch (policy.action) {
    case 'end':
      return end(draft, policy.reason, reason)
    case 'renew-token':
      if (!draft.hasFreshToken) return end(draft, 'unauthorized', reason)
      draft.hasFreshToken = false
      return retry(draft, reason, 0)
    case 'count':
      draft.badFramesAt = [...draft.badFramesAt, now].filter((at) => now - at < MINUTE)
      return draft.badFramesAt.length < MAX_BAD_FRAMES ? retry(draft, reason) : end(draft, 'refused', reason)
    case 'refuse-largest':
      // Only a signal can be too large, and signals go out after the welcome.
      if (draft.status.state === 'online') draft.effects.push(['refuseLargest'])
      return retry(draft, reason)
    case 'retry': {
      const { wait, spread, backsOff } = policy
      const asked = draft.retryAfter ?? wait ?? (spread && chance * spread)
      retry(draft, reason, backsOff ? asked! + backoffWait(draft) : asked)
      // A relay with too many connections was reached.
      if (!backsOff && !draft.wasOnline) countLostDial(draft)
    }
  }
}

function countLostDial(draft: Draft): void {
  const lost = (draft.lostDials += 1)
  if (lost === UNREACHABLE_AFTER - 1) draft.effects.push(['probe'])
  if (lost !== UNREACHABLE_AFTER) return
  const text = `No relay answers at ${draft.address}. ${draft.finding}`
  report(draft, 'unreachable', `${text}Check that it runs, its path, and --origin <this page's origin>.`)
}

function resetBackoff(draft: Draft): void {
  draft.failures = 0
  draft.awaySince = draft.now
}

function resetIfStable(draft: Draft): void {
  const { status } = draft
  if (status.state === 'online' && draft.now - draft.onlineSince >= STABLE_AFTER) resetBackoff(draft)
}

function backoffWait(draft: Draft): number {
  return backoff(draft.now - draft.awaySince, draft.chance, draft.failures)
}

/** @param asked The wait that something asked for (ms); from the second failure on it is at least the backoff. */
function retry(draft: Draft, reason: string, asked?: number): void {
  resetIfStable(draft)
  drop(draft)
  const wished = draft.failures === 0 && asked !== undefined ? asked : Math.max(asked ?? 0, backoffWait(draft))
  const wait = Math.max(wished, draft.isHidden ? HIDDEN_WAIT : 0)
  draft.failures += 1
  startDeadline(draft, 'attempt', wait)
  const retryAt = Math.round(draft.wallClock + wait)
  setStatus(draft, { state: 'waiting', attempt: draft.failures, retryAt, reason })
}

function end(draft: Draft, reason: EndReason, text: string): void {
  const error = new SignalError(reason, `The relay ended the connection: ${text}. ${ADVICE[reason]}.`)
  drop(draft)
  setStatus(draft, { state: 'closed', reason, error })
  draft.effects.push(['report', error])
}

function suspend(draft: Draft, { reason }: ConnectionEvents['suspend']): void {
  const wasSuspended = draft.status.state === 'suspended'
  // Already suspended on pagehide; a later freeze in the back/forward cache adds nothing.
  if (wasSuspended && reason === 'freeze') return
  if (!wasSuspended) drop(draft)
  setStatus(draft, { state: 'suspended', reason })
  draft.effects.push(['suspend'])
}

function wake(draft: Draft): void {
  const { state } = draft.status
  if (!draft.isWanted || state === 'closed' || state === 'online') return
  resetBackoff(draft)
  const soon = state === 'suspended' ? 0 : Math.max(0, draft.startedAt + WAKE_INTERVAL - draft.now)
  // An attempt that began before may hang.
  if (state === 'connecting' && soon > 0) startDeadline(draft, 'wake', soon)
  else if (state === 'connecting' || soon > 0) retry(draft, 'woken', soon)
  else connect(draft)
}

function onDue(draft: Draft): void {
  const { deadline } = draft
  draft.deadline = undefined
  switch (deadline?.of) {
    case 'token':
      return failToken(draft)
    case 'welcome':
      if (draft.now - deadline.at > LATE) startDeadline(draft, 'welcome', WELCOME_TIMEOUT)
      else if (draft.wasOnline) retry(draft, 'no welcome')
      else rejectServer(draft)
      return
    case 'renewal':
      return askToken(draft, false)
    case 'attempt':
      return connect(draft)
    case 'wake':
      retry(draft, 'woken', 0)
  }
}

function close(draft: Draft): void {
  drop(draft)
  setStatus(draft, { state: 'closed', reason: 'closed-by-page' })
}
