import ReconnectingWebSocket from './reconnecting-websocket.js'
import { OPEN_TIMEOUT } from './timing.js'

export interface SocketEvents {
  onOpen(): void
  onText(text: string): void
  /** A socket without a connection of its own needs another `hello`, which covers the present rooms and token. */
  onHelloNeeded(): void
  /** Called once, as the last event. `code` is 1006 if the connection broke. */
  onClose(code: number, reason: string): void
}

export interface Socket {
  send(text: string): void
  /** Closes the socket without waiting for the relay: no event follows this call. */
  close(): void
}

export type OpenSocket = (url: string, events: SocketEvents) => Socket

/**
 * Opens one socket for one connection. reconnecting-websocket 4.4.0 cannot reconnect after it was closed, so it makes a
 * single attempt here, and each further attempt needs another socket.
 */
export function openSocket(
  url: string,
  events: SocketEvents,
  create = (address: string): WebSocket => new WebSocket(address),
): Socket {
  let isLive = true

  // The wrapper would lose an error of the constructor in a promise, and some implementations end the process on an error
  // event without a listener. Called with `new`, this returns the real socket; the wrapper reads CLOSING only.
  function Guarded(address: string): EventTarget {
    try {
      const native = create(address)
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
    // The wrapper would send its queue before the hello frame, and again on every connection.
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
  // On failure the wrapper dispatches its own close event with code 1000; report 1006 instead.
  socket.onclose = ({ target, code, reason }) => finish(target === socket ? 1006 : code, reason)

  return { send: (text) => socket.send(text), close }
}
