import { SignalError, type SignalErrorCode } from '../errors.js'
import * as CloseCode from '../protocol/close-codes.js'
import { decodeRelayFrame, encode } from '../protocol/codec.js'
import type { ClientFrame, RoomRequest, WelcomeFrame } from '../protocol/frames.js'
import type { Stop } from '../signals.js'
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
const MAX_BAD_FRAMES = 3
/** The most of a hello that rooms may take, in characters. */
const MAX_HELLO_ROOMS = 600
/** A relay may ask for a longer wait than this, in milliseconds, but not get it. */
const MAX_RETRY_AFTER = 300_000

/** Keeps one connection to the relay alive: token, hello, welcome, and back again after every loss. */
export function openConnection({ url, token, protocol, tab }: LinkSettings, events: LinkEvents): Link {
  const isPlain = protocol === 'plain'
  // Without the query, which may hold what is nobody's business.
  const [address] = url.split('?')
  let status: SignalStatus = { state: 'idle', since: Date.now() }
  const untold: SignalStatus[] = []
  let socket: Socket | undefined
  let liveness: Liveness | undefined
  let stopLifecycle: Stop | undefined
  // The one thing that is waited for: a token, the welcome, the end of a token, or the next dial.
  let timer: ReturnType<typeof setTimeout> | undefined
  // What is asked or begun belongs to its number: a late answer to an older one is nobody's.
  let turn = 0
  let failures = 0
  let awaySince = performance.now()
  let badFrames = 0
  let dialedAt = -Infinity
  let wasOnline = false
  let wasTokenRefused = false
  let lateRooms: readonly RoomRequest[] = []
  let retryAfter: number | undefined
  let lastToken: string | undefined

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
  }

  function dial(): void {
    if (status.state === 'closed' && status.reason === 'closed-by-page') return
    if (!globalThis.WebSocket) return fail('no-websocket', 'There is no WebSocket here. A server uses POST /publish.')
    stopLifecycle ??= watchLifecycle({ suspend, wake })
    // A page that is only being prepared may never be seen.
    if ((globalThis.document as { prerendering?: boolean } | undefined)?.prerendering) return
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
    if (apply({ state: 'suspended', reason })) drop()
    events.onAside()
  }

  function wake(quiet: number): void {
    if (status.state === 'online') return liveness?.probe(quiet)
    const soon = dialedAt + WAKE_INTERVAL - performance.now()
    if (status.state === 'closed' || (status.state === 'connecting' && soon > 0)) return
    forgive()
    // An attempt that began before may hang.
    if (status.state === 'connecting') lose('woken', 0)
    else if (status.state === 'suspended' || soon <= 0) dial()
    else wait(soon, dial)
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
    socket = openSocket(url, {
      onOpen() {
        if (isPlain) return welcome()
        lastToken = fresh
        const rooms = [...events.rooms()]
        // A hello must never be too large; what does not fit joins after the welcome.
        lateRooms = JSON.stringify(rooms).length > MAX_HELLO_ROOMS ? rooms.splice(0) : []
        send({ type: 'hello', v: 1, tab, token: fresh, rooms })
        wait(WELCOME_TIMEOUT, rejectServer)
      },
      onText,
      onClose,
    })
  }

  function send(frame: ClientFrame): void {
    socket?.send(encode(frame))
  }

  function welcome(): void {
    const resumed = wasOnline
    wasOnline = true
    wasTokenRefused = false
    apply({ state: 'online', resumed })
    for (const room of lateRooms) send({ type: 'join', ...room })
  }

  function agree({ beat, expires }: WelcomeFrame): void {
    clearTimeout(timer)
    if (expires && typeof token === 'function') wait(renewalDelay(expires), renewToken)
    liveness ??= watchLiveness({ beat, ping: () => send({ type: 'ping' }), onDead: () => lose('no answer', 0) })
  }

  /** Hands a fresh token to the connection that is there; if that fails, the next dial asks again, and tells. */
  function renewToken(): void {
    // A plain server would broadcast it.
    if (isPlain) return
    askToken(
      (fresh) => fresh !== undefined && send({ type: 'token', token: fresh }),
      () => undefined,
    )
  }

  function onText(text: string): void {
    const frame = decodeRelayFrame(text, isPlain)
    liveness?.heard(frame.type !== 'signal' && frame.type !== 'beat')
    if (isPlain) return frame.type === 'signal' ? events.onFrame(frame) : undefined
    if (frame.type === 'goodbye') retryAfter = Math.min(frame.retryAfter, MAX_RETRY_AFTER)
    else if (frame.type !== 'welcome' && status.state !== 'online') rejectServer()
    else if (frame.type === 'malformed') fail('bad-frame', 'A frame that breaks the protocol was ignored.')
    else if (frame.type !== 'unknown') events.onFrame(frame)
    if (frame.type !== 'welcome') return
    agree(frame)
    if (status.state !== 'online') welcome()
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
        if (typeof token !== 'function' || wasTokenRefused) return end('unauthorized', reason)
        wasTokenRefused = true
        return lose(reason, 0)
      case CloseCode.Forbidden:
        return end('forbidden', reason)
      case CloseCode.Version:
        return end('version', reason)
      case CloseCode.BadFrame:
        badFrames += 1
        return badFrames < MAX_BAD_FRAMES ? lose(reason) : end('refused', reason)
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
    failures = badFrames = 0
    awaySince = performance.now()
  }

  function forgiveIfStable(): void {
    if (status.state === 'online' && Date.now() - status.since >= STABLE_AFTER) forgive()
  }

  function patience(): number {
    return Math.max(backoff(performance.now() - awaySince), isHidden() ? HIDDEN_WAIT : 0)
  }

  /** `asked`: a wait that somebody asked for; from the second failure on it is at least the usual one. */
  function lose(reason: string, asked?: number): void {
    forgiveIfStable()
    drop()
    const mine = turn
    const delay = failures === 0 && asked !== undefined ? asked : Math.max(asked ?? 0, patience())
    failures += 1
    apply({ state: 'waiting', attempt: failures, retryAt: Math.round(Date.now() + delay), reason })
    if (failures === UNREACHABLE_AFTER && !wasOnline)
      fail('unreachable', `No relay answers at ${address}. Is it running?`)
    // A listener may have dialed or closed meanwhile.
    if (mine === turn) wait(delay, dial)
  }

  function end(reason: Exclude<CloseReason, 'closed-by-page'>, text: string): void {
    const error = new SignalError(reason, `The relay ended the connection: ${text}`)
    drop()
    apply({ state: 'closed', reason, error })
    events.onError(error)
  }

  return {
    get status() {
      return status
    },
    get token() {
      return lastToken
    },
    connect: dial,
    send(text) {
      if (status.state !== 'online') return false
      liveness?.sent()
      socket?.send(text)
      return true
    },
    setToken(next) {
      token = next
      wasTokenRefused = false
      if (status.state === 'closed' && status.reason === 'unauthorized') dial()
      else if (status.state === 'online') renewToken()
      // The hello with the old one may be on its way.
      else if (status.state === 'connecting') lose('new token', 0)
    },
    close() {
      stopLifecycle?.()
      drop()
      apply({ state: 'closed', reason: 'closed-by-page' })
    },
  }
}
