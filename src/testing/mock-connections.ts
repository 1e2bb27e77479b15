import { Server, WebSocket as MockWebSocket } from 'mock-socket'
import { SignalError } from '../errors.js'
import * as CloseCode from '../protocol/close-codes.js'
import type { Stop } from '../signals.js'

/** One connection, seen from the relay. */
export interface Connection {
  send(text: string): void
  /** Closes the connection after the frames sent before. It carries no further frames. */
  close(code: number, reason: string): void
  /** Breaks the connection at once: frames on their way are lost. */
  drop(): void
}

export interface ConnectionEvents {
  onMessage(data: unknown): void
  /** Called once, when either side has ended the connection. */
  onEnd(): void
}

/** A close code, and a reason. */
export interface Refusal {
  readonly code: number
  readonly reason: string
}

export interface ListenOptions {
  readonly url: string
  /** The delay of frames from the relay (ms). */
  readonly delay: () => number
  /** The close code for new connections, if they end at once. */
  readonly refusal: () => Refusal | undefined
  readonly accept: (connection: Connection) => ConnectionEvents
}

/** How long mock-socket takes to carry a message to the relay (ms). */
export const TRANSIT = 4

let listening = 0
let original: typeof WebSocket | undefined

/**
 * Accepts connections at an address. While a server listens, pages get mock-socket's WebSocket instead of their own.
 *
 * @throws SignalError `bad-url` if another server listens at the address.
 */
export function listen({ url, delay, refusal, accept }: ListenOptions): Stop {
  const server = openServer(url)
  if (listening++ === 0) original = replaceWebSocket(MockWebSocket as unknown as typeof WebSocket)

  server.on('connection', (socket) => {
    const refused = refusal()
    if (refused) return socket.close({ ...refused, wasClean: true })
    let isOver = false
    let waiting = 0
    let dueAt = 0

    /** A late frame delays the frames after it. */
    function inOrder(deliver: () => void): void {
      const now = performance.now()
      dueAt = Math.max(dueAt, now + delay())
      if (waiting === 0 && dueAt <= now) return deliver()
      waiting += 1
      setTimeout(() => {
        waiting -= 1
        deliver()
      }, dueAt - now)
    }

    function end(): void {
      if (isOver) return
      isOver = true
      events.onEnd()
    }

    function close(code: number, reason: string): void {
      if (socket.readyState === MockWebSocket.OPEN) socket.close({ code, reason, wasClean: true })
    }

    const events = accept({
      send(text) {
        if (isOver) return
        inOrder(() => socket.readyState === MockWebSocket.OPEN && socket.send(text))
      },
      close(code, reason) {
        if (isOver) return
        inOrder(() => close(code, reason))
        end()
      },
      drop() {
        close(CloseCode.Abnormal, '')
        end()
      },
    })
    // mock-socket delivers frames even after the end.
    socket.on('message', (data) => isOver || events.onMessage(data))
    socket.on('close', end)
  })

  return () => {
    // Its close() would end every socket at once, before earlier frames arrive.
    server.stop()
    if (--listening === 0) replaceWebSocket(original)
  }
}

function openServer(url: string): Server {
  // Version 8 lacks it, and replaces the global WebSocket at once.
  if (!('mockWebsocket' in Server.prototype)) {
    throw new SignalError('bad-option', 'signalpost/testing needs mock-socket 9 or later.')
  }
  try {
    // mock-socket would restore a WebSocket that another server had set.
    return new Server(url, { mock: false })
  } catch (cause) {
    throw new SignalError('bad-url', 'A test relay listens there already: close() it after each test.', cause)
  }
}

/** Returns the previous WebSocket. */
function replaceWebSocket(replacement: typeof WebSocket | undefined): typeof WebSocket | undefined {
  const before = globalThis.WebSocket
  // The environment may lack WebSocket, whatever the types say.
  globalThis.WebSocket = replacement as typeof WebSocket
  return before
}
