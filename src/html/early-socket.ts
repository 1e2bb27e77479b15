import { type OpenSocket, openSocket } from '../connection/socket.js'

export interface EarlySocket {
  readonly open: OpenSocket
  /** Closes the connection that no socket has taken. */
  close(): void
}

/**
 * Dials before the page has a client. The first socket that the client opens takes this connection.
 *
 * @param onReady The connection is open, or has failed: it is time for a client.
 */
export function dialEarly(url: string, onReady: () => void): EarlySocket {
  let early: WebSocket | undefined

  function dial(): void {
    try {
      early ??= new WebSocket(url)
      for (const type of ['open', 'close']) early.addEventListener(type, onReady)
    } catch {
      // The browser forbids the address: the client reports it.
    }
  }

  function take(address: string): WebSocket {
    const native = early
    early = undefined
    if (!native || native.readyState > native.OPEN) return new WebSocket(address)
    // It was open before anything listened.
    if (native.readyState === native.OPEN) queueMicrotask(() => native.dispatchEvent(new Event('open')))
    return native
  }

  // Chromium captures the stack for each socket, and parses all of its functions again for that: not with the library on it.
  queueMicrotask(dial)
  return {
    open: (address, events) => openSocket(address, events, take),
    close: () => early?.close(),
  }
}
