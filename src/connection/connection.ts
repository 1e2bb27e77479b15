import { SignalError } from '../errors.js'
import { CloseCode } from '../protocol/close-codes.js'
import { decodePlainFrame, decodeRelayFrame, encode } from '../protocol/codec.js'
import { createId } from '../protocol/id.js'
import type { RelayFrame } from '../protocol/frames.js'
import type { Token } from '../signals.js'
import type { CloseReason, SignalStatus } from '../status.js'
import { backoff } from './backoff.js'
import type { Link, LinkEvents, LinkSettings } from './link.js'
import { type ConnectionEvent, transition } from './machine.js'
import { hasWebSocket, openSocket, type Socket } from './socket.js'

/** How long the application may take for a token, and the relay for its welcome, in milliseconds. */
const TOKEN_TIMEOUT = 15_000
const WELCOME_TIMEOUT = 5000
/** A connection that lived for this long was a good one: the next wait starts small again. */
const STABLE_AFTER = 5000
/** Dials in a row that never opened, before the page is told that the address may be wrong. */
const UNREACHABLE_AFTER = 3

/** Keeps one connection to the relay alive: token, hello, welcome, and back again after every loss. */
export function openConnection({ url, token, protocol }: LinkSettings, events: LinkEvents): Link {
  let status: SignalStatus = { state: 'idle', since: Date.now() }
  const untold: SignalStatus[] = []
  let socket: Socket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  // Everything that a dial starts belongs to its number; a late callback of an older one is nobody's.
  let dialNumber = 0
  let secret: string | undefined
  let onlineSince: number | undefined
  let wasOnline = false
  let wasOpen = false
  let wasTokenRefused = false
  let retryAfter: number | undefined
  let badFrames: number[] = []

  function apply(event: ConnectionEvent): boolean {
    const next = transition(status, event)
    if (next === status) return false
    status = next
    untold.push(next)
    // A listener may cause the next change: it is told after the present one, to everybody in the same order.
    if (untold.length > 1) return true
    for (; untold[0]; untold.shift()) events.onStatus(untold[0])
    return true
  }

  function drop(): void {
    dialNumber += 1
    clearTimeout(timer)
    socket?.close()
    socket = undefined
  }

  function dial(): void {
    if (!hasWebSocket()) {
      events.onError(
        new SignalError('no-websocket', 'There is no WebSocket here. On a server, use POST /publish of the relay.'),
      )
      return
    }
    if (!apply({ type: 'dial', at: Date.now() })) return
    drop()
    retryAfter = undefined
    onlineSince = undefined
    const mine = dialNumber
    if (typeof token !== 'function') return open(mine, token)
    timer = setTimeout(() => failToken(mine, new Error('It took longer than 15 seconds.')), TOKEN_TIMEOUT)
    askToken(token).then(
      (fresh) => open(mine, fresh),
      (cause: unknown) => failToken(mine, cause),
    )
  }

  function failToken(mine: number, cause: unknown): void {
    if (mine !== dialNumber) return
    events.onError(
      new SignalError('token-failed', 'The function of the option "token" failed; it is asked again later.', { cause }),
    )
    lose(CloseCode.Abnormal, 'no token')
  }

  function open(mine: number, freshToken: string | undefined): void {
    if (mine !== dialNumber) return
    clearTimeout(timer)
    const opened = openSocket(url, {
      onOpen() {
        wasOpen = true
        if (protocol === 'plain') return welcome()
        secret ??= createId()
        opened.send(
          encode({
            type: 'hello',
            v: 1,
            tab: secret,
            ...(freshToken !== undefined && { token: freshToken }),
            rooms: events.rooms(),
          }),
        )
        timer = setTimeout(() => rejectServer('did not answer'), WELCOME_TIMEOUT)
      },
      onText: protocol === 'plain' ? onPlainText : onText,
      onClose,
    })
    socket = opened
  }

  function welcome(): void {
    clearTimeout(timer)
    const resumed = wasOnline
    wasOnline = true
    wasTokenRefused = false
    onlineSince = performance.now()
    apply({ type: 'welcome', at: Date.now(), resumed })
  }

  function onText(text: string): void {
    const frame = decodeRelayFrame(text)
    if (status.state !== 'online' && (typeof frame === 'string' || !['welcome', 'goodbye'].includes(frame.type))) {
      return rejectServer('answered with something else')
    }
    if (frame === 'unknown') return
    if (frame === 'malformed') {
      return events.onError(
        new SignalError('bad-frame', 'The relay sent a frame that breaks the protocol; it was ignored.'),
      )
    }
    onFrame(frame)
  }

  function onFrame(frame: RelayFrame): void {
    if (frame.type === 'goodbye') retryAfter = frame.retryAfter
    if (frame.type === 'welcome' && status.state === 'online') return
    events.onFrame(frame)
    if (frame.type === 'welcome') welcome()
  }

  function onPlainText(text: string): void {
    const frame = decodePlainFrame(text)
    if (frame) events.onFrame(frame)
  }

  function rejectServer(what: string): void {
    events.onError(
      new SignalError(
        'no-protocol',
        `The server took the connection but ${what}: it is not a signalpost relay. Check the url, or use { protocol: 'plain' } for a server that broadcasts JSON.`,
      ),
    )
    lose(CloseCode.Abnormal, 'not a signalpost relay')
  }

  function onClose(code: number, reason: string): void {
    switch (code) {
      case CloseCode.Unauthorized:
        if (typeof token !== 'function' || wasTokenRefused) {
          return end('unauthorized', 'The relay refused the token. Call setToken() with a valid one to connect again.')
        }
        wasTokenRefused = true
        return lose(code, reason)
      case CloseCode.Forbidden:
        return end('forbidden', `The relay does not allow this page: ${reason || 'add its origin to the relay'}.`)
      case CloseCode.Version:
        return end('version', `This page and the relay have no protocol version in common: ${reason}.`)
      case CloseCode.BadFrame:
        if (isThirdBadFrame())
          return end('refused', `The relay keeps finding fault with what this page sends: ${reason}.`)
        break
      case CloseCode.MessageTooBig:
      case CloseCode.TooLarge:
        events.onTooLarge()
        break
      default:
        if (code >= 4400 && code < 4500) return end('refused', `The relay ended the connection (${code} ${reason}).`)
    }
    lose(code, reason)
  }

  function isThirdBadFrame(): boolean {
    const now = performance.now()
    badFrames = [...badFrames.filter((at) => now - at < 60_000), now]
    return badFrames.length >= 3
  }

  function lose(code: number, reason: string): void {
    const isStable = onlineSince !== undefined && performance.now() - onlineSince >= STABLE_AFTER
    const failures = isStable || !('attempt' in status) ? 0 : status.attempt
    const delay = delayAfter(code, failures)
    drop()
    const mine = dialNumber
    const at = Date.now()
    apply({ type: 'lost', at, failures, retryAt: at + delay, reason: reason ? `${code} ${reason}` : `${code}` })
    if (failures === UNREACHABLE_AFTER && !wasOpen) {
      events.onError(
        new SignalError(
          'unreachable',
          `No relay answers at ${new URL(url).host}: is it running, and is the url right? The page keeps trying.`,
        ),
      )
    }
    // A listener may have dialed or closed meanwhile.
    if (mine === dialNumber && status.state === 'waiting') timer = setTimeout(dial, delay)
  }

  function delayAfter(code: number, failures: number): number {
    switch (code) {
      case CloseCode.Unauthorized:
      case CloseCode.TooSlow:
        return 0
      case CloseCode.Restart:
        return retryAfter ?? Math.random() * 5000
      case CloseCode.TooMany:
        return 10_000 + backoff(failures)
      default:
        return retryAfter ?? backoff(failures)
    }
  }

  function end(reason: CloseReason, text: string): void {
    const error = reason === 'closed-by-page' ? undefined : new SignalError(reason, text)
    drop()
    apply({ type: 'stop', at: Date.now(), reason, ...(error && { error }) })
    if (error) events.onError(error)
  }

  return {
    get status() {
      return status
    },
    connect: dial,
    send(text) {
      if (status.state !== 'online' || !socket) return false
      socket.send(text)
      return true
    },
    setToken(fresh: Token) {
      token = fresh
      wasTokenRefused = false
      if (status.state === 'closed' && status.reason === 'unauthorized') return dial()
      if (protocol === 'plain') return
      const mine = dialNumber
      askToken(fresh).then(
        (text) =>
          mine === dialNumber && status.state === 'online' && socket?.send(encode({ type: 'token', token: text })),
        // The next dial asks again, and tells.
        () => undefined,
      )
    },
    close: () => end('closed-by-page', ''),
  }
}

async function askToken(token: Token): Promise<string> {
  const text: unknown = typeof token === 'string' ? token : await token()
  if (typeof text !== 'string') throw new TypeError('It did not return a string.')
  return text
}
