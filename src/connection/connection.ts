import { SignalError, type SignalErrorCode } from '../errors.js'
import * as CloseCode from '../protocol/close-codes.js'
import { decodeRelayFrame, encode } from '../protocol/codec.js'
import type { ClientFrame, WelcomeFrame } from '../protocol/frames.js'
import type { CloseReason, SignalStatus } from '../status.js'
import { backoff } from './backoff.js'
import { isHidden, watchLifecycle } from './lifecycle.js'
import type { Link, LinkEvents, LinkSettings } from './link.js'
import { type Liveness, watchLiveness } from './liveness.js'
import { type NextStatus, transition } from './machine.js'
import { openSocket, type Socket } from './socket.js'
import { readToken, renewalDelay } from './tokens.js'

/** How long the application may take for a token, in milliseconds. */
const TOKEN_TIMEOUT = 15_000
/** How long the relay may take for its welcome, in milliseconds. */
const WELCOME_TIMEOUT = 5000
/** A connection that lived for this long was a good one: the next wait starts small again. */
const STABLE_AFTER = 5000
/** A hidden tab is in no hurry. */
const HIDDEN_WAIT = 5000
/** What wakes a page comes in bursts. */
const WAKE_INTERVAL = 1000
/** After so many dials that led to nothing, a page that was never online is told that the address may be wrong. */
const UNREACHABLE_AFTER = 3
/** So many bad frames within a minute are a defect that no further dial mends. */
const MAX_BAD_FRAMES = 3
const MINUTE = 60_000
/** A timer that fires later than this was held back (a hidden tab, a sleeping machine): it proves nothing. */
const LATE = 2000
/** A relay may ask for a longer wait or silence than this, in milliseconds, but not get it. */
const LONGEST_WISH = 300_000

/** What to do when the relay ended the connection for good. */
const ADVICE = {
  unauthorized: 'Call setToken()',
  forbidden: 'Start it with --origin',
  version: 'Update the older one',
  refused: 'See its log',
}

/** Keeps one connection to the relay alive: token, hello, welcome, and back again after every loss. */
export function openConnection({ url, token, protocol, tab }: LinkSettings, events: LinkEvents): Link {
  const isPlain = protocol === 'plain'
  // Without the query, which may hold what is nobody's business.
  const [address] = url.split('?')
  let status: SignalStatus = { state: 'idle', since: Date.now() }
  const untold: SignalStatus[] = []
  let socket: Socket | undefined
  let liveness: Liveness | undefined
  // The one thing that is waited for: a token, the welcome, the end of a token, or the next dial.
  let timer: ReturnType<typeof setTimeout> | undefined
  // What is asked or begun belongs to its number: a late answer to an older one is nobody's.
  let turn = 0
  let failures = 0
  let awaySince = performance.now()
  let badFramesAt: readonly number[] = []
  let dialedAt = -Infinity
  let isWanted = false
  let wasOnline = false
  let retryAfter: number | undefined
  let lastToken: string | undefined
  // Whether there may be a token that the relay has not refused.
  let hasFreshToken = true
  // The relay has not answered yet to a token that may be another user's: what is sent now waits until it has.
  let isTokenOpen = false

  function apply(event: NextStatus): boolean {
    const next = transition(status, event, Date.now())
    if (next === status) return false
    status = next
    untold.push(next)
    // A listener may cause the next change: everybody is told of it after this one.
    if (untold.length === 1) for (; untold[0]; untold.shift()) events.onStatus(untold[0])
    return true
  }

  function fail(code: SignalErrorCode, text: string, cause?: unknown): void {
    events.onError(new SignalError(code, text, cause))
  }

  function wait(milliseconds: number, then: () => void): void {
    clearTimeout(timer)
    timer = setTimeout(then, milliseconds)
  }

  function drop(): void {
    turn += 1
    clearTimeout(timer)
    liveness?.stop()
    socket?.close()
    socket = liveness = undefined
    isTokenOpen = false
  }

  function dial(): void {
    if (status.state === 'closed' && status.reason === 'closed-by-page') return
    if (!globalThis.WebSocket) return fail('no-websocket', 'There is no WebSocket here. A server uses POST /publish.')
    isWanted = true
    // A page that is only being prepared may never be seen.
    if ((globalThis.document as { prerendering?: boolean } | undefined)?.prerendering) return
    if (status.state === 'idle' || status.state === 'closed') forgive()
    if (!apply({ state: 'connecting', attempt: failures + 1 })) return
    // A listener may have closed it meanwhile.
    if (status.state !== 'connecting') return
    drop()
    dialedAt = performance.now()
    retryAfter = undefined
    wait(TOKEN_TIMEOUT, failToken)
    askToken(open, failToken)
  }

  function suspend(reason: string): void {
    const wasSuspended = status.state === 'suspended'
    // What was left, and is now frozen in the browser's cache, has taken its leave.
    if (wasSuspended && reason === 'freeze') return
    if (!wasSuspended) drop()
    apply({ state: 'suspended', reason })
    events.onAside()
  }

  function wake(quiet: number): void {
    if (status.state === 'online') return liveness?.probe(quiet)
    if (!isWanted || status.state === 'closed') return
    forgive()
    const soon = status.state === 'suspended' ? 0 : Math.max(0, dialedAt + WAKE_INTERVAL - performance.now())
    // An attempt that began before may hang.
    if (status.state === 'connecting' && soon > 0) wait(soon, redial)
    else if (status.state === 'connecting' || soon > 0) redial(soon)
    else dial()
  }

  function redial(delay = 0): void {
    lose('woken', delay)
  }

  /** Only the answer to the last question counts. */
  function askToken(use: (fresh: string | undefined) => void, onFailure: (cause: unknown) => void): void {
    turn += 1
    const mine = turn
    readToken(token).then(
      (fresh) => mine === turn && use(fresh),
      (cause: unknown) => mine === turn && onFailure(cause),
    )
  }

  function failToken(cause?: unknown): void {
    fail('token-failed', 'The token function failed or took too long; it is asked again.', cause)
    lose('no token')
  }

  function open(fresh: string | undefined): void {
    clearTimeout(timer)
    lastToken = fresh
    socket = openSocket(url, {
      onOpen() {
        if (isPlain) return welcome()
        if (typeof token !== 'function') hasFreshToken = false
        send({ type: 'hello', v: 1, tab, token: fresh, rooms: events.rooms() })
        awaitWelcome()
      },
      onText,
      onClose,
    })
  }

  function send(frame: ClientFrame): void {
    socket?.send(encode(frame))
  }

  function awaitWelcome(): void {
    const due = performance.now() + WELCOME_TIMEOUT
    wait(WELCOME_TIMEOUT, () => {
      if (performance.now() - due > LATE) awaitWelcome()
      else if (wasOnline) lose('no welcome')
      else rejectServer()
    })
  }

  function welcome(): void {
    const resumed = wasOnline
    wasOnline = true
    apply({ state: 'online', resumed })
  }

  function agree(frame: WelcomeFrame): void {
    const { beat, expires } = frame
    const isFirst = status.state !== 'online'
    clearTimeout(timer)
    isTokenOpen = false
    hasFreshToken = typeof token === 'function'
    if (expires && hasFreshToken) wait(renewalDelay(expires), renewToken)
    liveness ??= watchLiveness({
      beat: Math.min(beat, LONGEST_WISH),
      ping: () => send({ type: 'ping' }),
      onDead: () => lose('no answer', 0),
    })
    events.onWelcome(frame, isFirst)
    if (isFirst) welcome()
  }

  /** Hands a fresh token to the connection that is there; if that fails, the next dial asks again, and tells. */
  function renewToken(onFailure: (cause: unknown) => void = () => undefined): void {
    askToken((fresh) => {
      if (fresh === undefined) return onFailure(fresh)
      lastToken = fresh
      send({ type: 'token', token: fresh })
    }, onFailure)
  }

  function onText(text: string): void {
    const frame = decodeRelayFrame(text, isPlain)
    liveness?.heard(frame.type !== 'signal' && frame.type !== 'beat')
    if (isPlain) return frame.type === 'signal' ? events.onFrame(frame) : undefined
    if (frame.type === 'welcome') return agree(frame)
    if (frame.type === 'goodbye') retryAfter = Math.min(frame.retryAfter, LONGEST_WISH)
    else if (status.state !== 'online') rejectServer()
    else if (frame.type === 'malformed') fail('bad-frame', 'A frame that breaks the protocol was ignored.')
    else if (frame.type !== 'unknown') events.onFrame(frame)
  }

  function rejectServer(): void {
    fail('no-protocol', `${address} is not a signalpost relay. Check the url, or try { protocol: 'plain' }.`)
    lose('no protocol')
  }

  function onClose(code: number, text: string): void {
    forgiveIfStable()
    const reason = `${code} ${text}`.trim()
    switch (code) {
      case CloseCode.Unauthorized:
        if (!hasFreshToken) return end('unauthorized', reason)
        hasFreshToken = false
        return lose(reason, 0)
      case CloseCode.Forbidden:
        return end('forbidden', reason)
      case CloseCode.Version:
        return end('version', reason)
      case CloseCode.BadFrame:
        badFramesAt = [...badFramesAt, performance.now()].filter((at) => performance.now() - at < MINUTE)
        return badFramesAt.length < MAX_BAD_FRAMES ? lose(reason) : end('refused', reason)
      case CloseCode.MessageTooBig:
      case CloseCode.TooLarge:
        // Only a signal can be too large, and signals go out after the welcome.
        if (status.state === 'online') events.onTooLarge()
        return lose(reason)
      case CloseCode.TooSlow:
        return lose(reason, 0)
      case CloseCode.TooMany:
        return lose(reason, 10_000 + patience())
      case CloseCode.Restart:
        return lose(reason, retryAfter ?? Math.random() * 5000)
    }
    if (code >= 4400 && code < 4500) return end('refused', reason)
    lose(reason, retryAfter)
  }

  function forgive(): void {
    failures = 0
    awaySince = performance.now()
  }

  function forgiveIfStable(): void {
    if (status.state === 'online' && Date.now() - status.since >= STABLE_AFTER) forgive()
  }

  function patience(): number {
    return backoff(performance.now() - awaySince)
  }

  /** `asked`: a wait that somebody asked for; from the second failure on it is at least the usual one. */
  function lose(reason: string, asked?: number): void {
    forgiveIfStable()
    drop()
    const mine = turn
    const wished = failures === 0 && asked !== undefined ? asked : Math.max(asked ?? 0, patience())
    const delay = Math.max(wished, isHidden() ? HIDDEN_WAIT : 0)
    failures += 1
    apply({ state: 'waiting', attempt: failures, retryAt: Math.round(Date.now() + delay), reason })
    if (failures === UNREACHABLE_AFTER && !wasOnline)
      fail(
        'unreachable',
        `No relay answers at ${address}. Is it running, is the path right, may this page's origin connect (--origin)? Its log tells.`,
      )
    // A listener may have dialed or closed meanwhile.
    if (mine === turn) wait(delay, dial)
  }

  function end(reason: Exclude<CloseReason, 'closed-by-page'>, text: string): void {
    const error = new SignalError(reason, `The relay ended the connection: ${text}. ${ADVICE[reason]}.`)
    drop()
    apply({ state: 'closed', reason, error })
    events.onError(error)
  }

  const stopLifecycle = watchLifecycle({ suspend, wake, doubt: () => liveness?.probe() })

  return {
    get status() {
      return status
    },
    get token() {
      return typeof token === 'string' ? token : lastToken
    },
    connect: dial,
    send(text) {
      if (status.state !== 'online' || isTokenOpen) return false
      liveness?.sent()
      socket?.send(text)
      return true
    },
    setToken(next) {
      token = next
      lastToken = undefined
      hasFreshToken = true
      if (status.state === 'closed' && status.reason === 'unauthorized') dial()
      else if (status.state === 'online') {
        // A plain server would broadcast it.
        if (isPlain) return
        isTokenOpen = true
        wait(TOKEN_TIMEOUT, failToken)
        renewToken(failToken)
      } else if (status.state === 'connecting') {
        // The hello with the old one may be on its way, and what failed may have failed for it.
        forgive()
        lose('new token', 0)
      }
    },
    close() {
      stopLifecycle()
      drop()
      apply({ state: 'closed', reason: 'closed-by-page' })
    },
  }
}
