import { decodeRelayFrame } from '../protocol/codec.js'
import type { ClientFrame } from '../protocol/frames.js'
import { stringify } from '../protocol/stringify.js'
import type { SignalStatus } from '../status.js'
import { isHidden, watchLifecycle } from './lifecycle.js'
import { type Liveness, watchLiveness } from './liveness.js'
import {
  type Conditions,
  type ConnectionEvents,
  type ConnectionState,
  type Effects,
  initialState,
  isPassedOn,
  reduce,
} from './reducer.js'
import { openPlainSocket } from './plain-socket.js'
import { probe } from './probe.js'
import { openSocket, type OpenSocket, type Socket } from './socket.js'
import { createTimeSlices } from './time-slices.js'
import { readToken } from './tokens.js'
import type { Transport, TransportEvents, TransportSettings } from './transport.js'

/** Keeps one connection to the relay alive: performs the effects that the reducer decides on. */
export function openConnection(
  settings: TransportSettings,
  events: TransportEvents,
  open: OpenSocket = openSocket,
): Transport {
  const { url, token, protocol, tab } = settings
  const openWire = protocol === 'plain' ? openPlainSocket : open
  // The query is left out: it may contain secrets.
  const [address = url] = url.split('?')
  const pendingStatuses: SignalStatus[] = []
  const slices = createTimeSlices()
  let state: ConnectionState = initialState(token, performance.now(), Date.now())
  let finding = ''
  let socket: Socket | undefined
  let liveness: Liveness | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function dispatch<Name extends keyof ConnectionEvents>(name: Name, event: ConnectionEvents[Name]): void {
    const before = state.deadline
    const next = reduce(state, readConditions(), name, event)
    state = next
    if (next.deadline !== before) restartTimer()
    // The reducer has paired each name with its value.
    for (const [effect, value] of next.effects) (perform[effect] as (value: unknown) => void)(value)
  }

  function readConditions(): Conditions {
    return {
      now: performance.now(),
      wallClock: Date.now(),
      chance: Math.random(),
      isHidden: isHidden(),
      isPrerendering: (globalThis.document as { prerendering?: boolean } | undefined)?.prerendering === true,
      hasWebSocket: Boolean(globalThis.WebSocket),
      address,
      finding,
    }
  }

  function restartTimer(): void {
    clearTimeout(timer)
    const { deadline } = state
    if (deadline) timer = setTimeout(() => dispatch('due', undefined), deadline.at - performance.now())
  }

  const perform: { readonly [Name in keyof Effects]: (value: Effects[Name]) => void } = {
    drop() {
      slices.clear()
      liveness?.stop()
      socket?.close()
      socket = liveness = undefined
    },
    emitStatus,
    report: events.onError,
    askToken,
    open: connect,
    hello: () => send({ type: 'hello', v: 1, tab, token: transport.token, rooms: events.requestRooms() }),
    send,
    welcome({ frame, isFirst, beat }) {
      watch(beat)
      events.onWelcome(frame, isFirst)
      if (isFirst) dispatch('welcomed', undefined)
    },
    passOn: events.onFrame,
    suspend: events.onSuspend,
    refuseLargest: events.onTooLarge,
    probe: () =>
      probe(url).then(
        (status) => (finding = `HTTP works (${status}): let the proxy upgrade. `),
        () => undefined,
      ),
  }

  /** A listener may cause the next change: every listener gets this one first. */
  function emitStatus(status: SignalStatus): void {
    // An effect before this one may have closed the connection.
    if (status !== state.status) return
    pendingStatuses.push(status)
    if (pendingStatuses.length === 1)
      for (; pendingStatuses[0]; pendingStatuses.shift()) events.onStatus(pendingStatuses[0])
  }

  function askToken(attemptId: number): void {
    // A status listener may have closed the connection.
    if (attemptId !== state.attemptId) return
    readToken(state.token).then(
      (fresh) => dispatch('token', { attemptId, token: fresh }),
      (cause: unknown) => dispatch('token-failed', { attemptId, cause }),
    )
  }

  function connect(): void {
    socket = openWire(url, {
      onOpen: () => dispatch('opened', undefined),
      onHelloNeeded: perform.hello,
      onText(text) {
        const frame = decodeRelayFrame(text)
        liveness?.onFrame(frame.type)
        slices.run(() => (isPassedOn(state, frame) ? events.onFrame(frame) : dispatch('frame', { frame })))
      },
      onClose: (code, text) => slices.run(() => dispatch('lost', { code, text })),
    })
  }

  function watch(beat: number): void {
    liveness ??= watchLiveness({
      beat,
      ping: () => send({ type: 'ping' }),
      onDead: () => dispatch('dead', undefined),
    })
  }

  function send(frame: ClientFrame): void {
    socket?.send(stringify(frame))
  }

  const stopLifecycle = watchLifecycle({
    suspend: (reason) => dispatch('suspend', { reason }),
    wake(quiet) {
      if (state.status.state === 'online') liveness?.probe(quiet)
      else dispatch('wake', undefined)
    },
    doubt: () => liveness?.probe(),
    block(blocked) {
      if (url.startsWith(blocked)) finding = 'The content policy blocks it: add it to connect-src. '
    },
  })

  const transport: Transport = {
    get status() {
      return state.status
    },
    get token() {
      return typeof state.token === 'string' ? state.token : state.lastToken
    },
    connect: () => dispatch('connect', undefined),
    send(text) {
      if (state.status.state !== 'online' || state.isTokenPending) return false
      liveness?.sent()
      socket?.send(text)
      return true
    },
    setToken: (next) => dispatch('set-token', { token: next }),
    close() {
      stopLifecycle()
      dispatch('close', undefined)
    },
  }
  return transport
}
