import ReconnectingWebSocket from './reconnecting-websocket.js'
import { OPEN_TIMEOUT } from './timing.js'

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

/**
 * Opens one socket for one life: reconnecting-websocket 4.4.0 cannot be revived after it closed, so it gets a single
 * attempt here, and whoever wants another one opens another socket.
 */
export function openSocket(url: string, events: SocketEvents): Socket {
  let isLive = true

  // A constructor that throws would be lost in a promise, and some implementations end the process on an error event
  // that nobody listens to. Called with `new`, this returns the real socket; the wrapper looks at nothing but CLOSING.
  function Guarded(address: string): EventTarget {
    try {
      const native = new WebSocket(address)
      native.addEventListener('error', () => undefined)
      return native
    } catch {
      queueMicrotask(() => finish(1006, 'not allowed here'))
      return Object.assign(new EventTarget(), { close: () => undefined })
    }
  }

  const socket = new ReconnectingWebSocket(url, [], {
    WebSocket: Object.assign(Guarded, { CLOSING: 2 }),
    connectionTimeout: OPEN_TIMEOUT,
    // Its queue would go out before our first frame, and again on every connection.
    maxEnqueuedMessages: 0,
    maxRetries: 0,
  })

  function close(): void {
    isLive = false
    socket.close()
  }

  function finish(code: number, reason: string): void {
    if (!isLive) return
    close()
    events.onClose(code, reason)
  }

  socket.onopen = () => isLive && events.onOpen()
  socket.onmessage = ({ data }) => isLive && typeof data === 'string' && events.onText(data)
  // A failure or a time-out is told by an event of the wrapper's own, with a clean 1000 that nobody sent.
  socket.onclose = ({ target, code, reason }) => finish(target === socket ? 1006 : code, reason)

  return { send: (text) => socket.send(text), close }
}
