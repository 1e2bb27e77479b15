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
import { type ConnectionEvent, transition } from './machine.js'
import { openSocket, type Socket } from './socket.js'
import { createTokens } from './tokens.js'

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
  const tokens = createTokens(token)
  // Without the query, which may hold what is nobody's business.
  const [address] = url.split('?')
  let status: SignalStatus = { state: 'idle', since: Date.now() }
  const untold: SignalStatus[] = []
  let socket: Socket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let liveness: Liveness | undefined
  let stopLifecycle: Stop | undefined
  // What a dial starts belongs to its number: a late callback of an older one is nobody's.
  let dialNumber = 0
  let failures = 0
  let awaySince = performance.now()
  let badFrames = 0
  let dialedAt = -Infinity
  let onlineAt = Infinity
  let wasOnline = false
  let wasTokenRefused = false
  let lateRooms: readonly RoomRequest[] = []
  let retryAfter: number | undefined
  let lastToken: string | undefined

  function apply(event: ConnectionEvent): boolean {
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

  function drop(): void {
    dialNumber += 1
    clearTimeout(timer)
    tokens.stop()
    liveness?.stop()
    socket?.close()
    socket = liveness = undefined
  }

  function dial(): void {
    if (status.state === 'closed' && status.reason === 'closed-by-page') return
    if (!globalThis.WebSocket) return fail('no-websocket', 'No WebSocket here. A server uses POST /publish.')
    stopLifecycle ??= watchLifecycle({ suspend, wake, probe })
    // A page that is only being prepared may never be seen.
    if ((globalThis.document as { prerendering?: boolean } | undefined)?.prerendering) return
    if (!apply({ type: 'dial', attempt: failures + 1 })) return
    // A listener may have closed it meanwhile.
    if (status.state !== 'connecting') return
    drop()
    dialedAt = performance.now()
    retryAfter = undefined
    tokens.ask(open, failToken)
  }

  function suspend(reason: string): void {
    if (apply({ type: 'suspend', reason })) drop()
    events.onAside()
  }

  function wake(): void {
    if (status.state === 'online') return probe(0)
    if (status.state === 'closed') return
    const soon = dialedAt + WAKE_INTERVAL - performance.now()
    // An attempt that began before may hang.
    if (status.state === 'connecting') return soon > 0 ? undefined : lose('woken', 0)
    forgive()
    if (status.state === 'suspended' || soon <= 0) return dial()
    clearTimeout(timer)
    timer = setTimeout(dial, soon)
  }

  function probe(quiet: number): void {
    if (status.state === 'online') liveness?.probe(quiet)
    else wake()
  }

  function failToken(cause: unknown): void {
    fail('token-failed', 'The token function failed or took too long; it is asked again.', cause)
    lose('no token')
  }

  function open(fresh: string | undefined): void {
    socket = openSocket(url, {
      onOpen() {
        if (isPlain) return welcome()
        lastToken = fresh
        const rooms = events.rooms()
        // A hello must never be too large; what does not fit joins after the welcome.
        const isLong = JSON.stringify(rooms).length > MAX_HELLO_ROOMS
        lateRooms = isLong ? rooms : []
        send({ type: 'hello', v: 1, tab, token: fresh, rooms: isLong ? [] : rooms })
        timer = setTimeout(rejectServer, WELCOME_TIMEOUT)
      },
      onText,
      onClose,
    })
  }

  function send(frame: ClientFrame): void {
    socket?.send(encode(frame))
  }

  function welcome(): void {
    clearTimeout(timer)
    onlineAt = performance.now()
    const resumed = wasOnline
    wasOnline = true
    wasTokenRefused = false
    apply({ type: 'welcome', resumed })
    for (const room of lateRooms) send({ type: 'join', ...room })
  }

  function agree({ beat, expires }: WelcomeFrame): void {
    liveness ??= watchLiveness({ beat, ping: () => send({ type: 'ping' }), onDead: () => lose('no answer', 0) })
    tokens.beforeExpiry(expires, renewToken)
  }

  /** Hands a fresh token to the connection that is there; if that fails, the next dial asks again, and tells. */
  function renewToken(): void {
    // A plain server would broadcast it.
    if (isPlain) return
    tokens.ask(
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
        if (!tokens.isRenewable || wasTokenRefused) return end('unauthorized', reason)
        wasTokenRefused = true
        return lose(reason, atOnce())
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
        return lose(reason, atOnce())
      case CloseCode.TooMany:
        return lose(reason, 10_000 + patience())
      case CloseCode.Restart:
        return lose(reason, atOnce(retryAfter ?? Math.random() * 5000))
    }
    if (code >= 4400 && code < 4500) return end('refused', reason)
    lose(reason, retryAfter === undefined ? undefined : atOnce(retryAfter))
  }

  /** A wait that somebody asked for; from the second failure on at least the usual one, whatever was asked. */
  function atOnce(wait = 0): number {
    return failures === 0 ? wait : Math.max(wait, patience())
  }

  function forgive(): void {
    failures = badFrames = 0
    awaySince = performance.now()
  }

  function forgiveIfStable(): void {
    if (performance.now() - onlineAt >= STABLE_AFTER) forgive()
    onlineAt = Infinity
  }

  function patience(): number {
    return Math.max(backoff(performance.now() - awaySince), isHidden() ? HIDDEN_WAIT : 0)
  }

  function lose(reason: string, wait?: number): void {
    forgiveIfStable()
    drop()
    const mine = dialNumber
    const delay = wait ?? patience()
    failures += 1
    apply({ type: 'lose', attempt: failures, retryAt: Math.round(Date.now() + delay), reason })
    if (failures === UNREACHABLE_AFTER && !wasOnline)
      fail('unreachable', `No relay answers at ${address}. Is it running?`)
    // A listener may have dialed or closed meanwhile.
    if (mine === dialNumber) timer = setTimeout(dial, delay)
  }

  function end(reason: Exclude<CloseReason, 'closed-by-page'>, text: string): void {
    const error = new SignalError(reason, `The relay ended the connection: ${text}`)
    drop()
    apply({ type: 'stop', reason, error })
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
      tokens.replace(next)
      wasTokenRefused = false
      if (status.state === 'closed' && status.reason === 'unauthorized') dial()
      else if (status.state === 'online') renewToken()
      // The hello with the old one may be on its way.
      else if (status.state === 'connecting') lose('new token', 0)
    },
    close() {
      stopLifecycle?.()
      drop()
      apply({ type: 'stop', reason: 'closed-by-page' })
    },
  }
}
