import ReconnectingWebSocket from 'reconnecting-websocket'
import { CloseCode } from '../protocol/close-codes.js'

export interface SocketEvents {
  onOpen(): void
  onText(text: string): void
  /** Told once, and nothing after it. `code` is the true one, 1006 where the line broke. */
  onClose(code: number, reason: string): void
}

export interface Socket {
  send(text: string): void
  /** Ends it at once, without waiting for the other side: no event comes after this call. */
  close(): void
}

/** Long enough for a slow network; a line that is dead would otherwise stay "connecting" for minutes. */
const OPEN_TIMEOUT = 10_000

/** Whether this place has WebSockets at all; a server that renders pages may not. */
export function hasWebSocket(): boolean {
  return typeof globalThis.WebSocket === 'function'
}

/**
 * Opens one socket for one life: reconnecting-websocket 4.4.0 cannot be revived after it closed, so it gets a single
 * attempt here, and whoever wants another one opens another socket.
 */
export function openSocket(url: string, events: SocketEvents): Socket {
  let isLive = true
  const socket = new ReconnectingWebSocket(url, [], {
    WebSocket: guard(() => finish(CloseCode.Abnormal, 'the browser does not allow this connection')),
    connectionTimeout: OPEN_TIMEOUT,
    // Its queue would go out before our first frame, and go out again on every connection.
    maxEnqueuedMessages: 0,
    maxRetries: 0,
    minUptime: 0,
  })

  function finish(code: number, reason: string): void {
    if (!isLive) return
    close()
    events.onClose(code, reason)
  }

  function close(): void {
    isLive = false
    socket.close()
  }

  socket.addEventListener('open', () => {
    if (isLive) events.onOpen()
  })
  socket.addEventListener('message', ({ data }) => {
    if (isLive && typeof data === 'string') events.onText(data)
  })
  socket.addEventListener('close', (event) => {
    // A failure or a time-out is reported as an event of the wrapper itself, with a clean 1000 that nobody sent.
    if (event.target === socket) finish(CloseCode.Abnormal, 'the connection failed')
    else finish(event.code, event.reason)
  })

  return { send: (text) => socket.send(text), close }
}

/**
 * The WebSocket class of this place, made harmless: a constructor that throws would be lost in a promise, and some
 * implementations end the process on an error that nobody listens to.
 */
function guard(onRefused: () => void): typeof WebSocket {
  const Native = globalThis.WebSocket
  function Guarded(url: string): EventTarget {
    try {
      const native = new Native(url)
      native.addEventListener('error', () => undefined)
      return native
    } catch {
      queueMicrotask(onRefused)
      return Object.assign(new EventTarget(), { close: () => undefined })
    }
  }
  // Called with `new`, it returns the real socket; the wrapper looks at nothing but CLOSING.
  return Object.assign(Guarded, { CLOSING: 2 }) as unknown as typeof WebSocket
}
