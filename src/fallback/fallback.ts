import type { OpenSocket, Socket } from '../connection/socket.js'
import * as CloseCode from '../protocol/close-codes.js'
import { type HttpRoute, openHttpSocket } from './http-socket.js'

/** How long a WebSocket may take to its first frame (ms): less than the client waits for a welcome. */
const PATIENCE = 4000
/** The first and the longest time between two tests whether WebSockets work again (ms). */
const FIRST_PAUSE = 60_000
const MAX_PAUSE = 16 * FIRST_PAUSE

/**
 * Opens WebSockets, and uses HTTP requests where those bring no frame. Tests now and then whether WebSockets work again.
 * The sockets of one client share what they learn.
 */
export function wrapSocket(openSocket: OpenSocket): OpenSocket {
  const route: HttpRoute = { isBuffered: false, silences: 0 }
  let pause = FIRST_PAUSE
  let blockedUntil = -Infinity

  return (url, events) => {
    let timer: ReturnType<typeof setTimeout>
    let socket: Socket
    let test: Socket | undefined

    function useWebSocket(): void {
      let isHeard = false
      route.isBuffered = false
      timer = setTimeout(useHttp, PATIENCE)
      socket = openSocket(url, {
        ...events,
        onText(text) {
          clearTimeout(timer)
          isHeard = true
          pause = FIRST_PAUSE
          events.onText(text)
        },
        onClose(code, reason) {
          clearTimeout(timer)
          // Codes from 4000 on come from the relay.
          if (isHeard || code >= 4000) events.onClose(code, reason)
          else useHttp()
        },
      })
    }

    function useHttp(): void {
      let isHeard = false
      socket?.close()
      socket = openHttpSocket(
        url,
        {
          ...events,
          onText(text) {
            if (!isHeard) block()
            isHeard = true
            events.onText(text)
          },
          onClose(code, reason) {
            release()
            events.onClose(code, reason)
          },
        },
        route,
      )
    }

    /** WebSockets do not work here, and HTTP does. */
    function block(): void {
      const now = performance.now()
      if (now >= blockedUntil) {
        blockedUntil = now + pause
        pause = Math.min(2 * pause, MAX_PAUSE)
      }
      timer = setTimeout(testWebSocket, blockedUntil - now)
    }

    function testWebSocket(): void {
      test = openSocket(url, {
        ...events,
        onOpen() {
          blockedUntil = -Infinity
          close()
          // The client connects again at once, and resumes.
          events.onClose(CloseCode.TooSlow, 'WebSockets work again')
        },
        onText: () => undefined,
        onClose: block,
      })
    }

    function release(): void {
      clearTimeout(timer)
      test?.close()
    }

    function close(): void {
      release()
      socket.close()
    }

    if (performance.now() < blockedUntil) useHttp()
    else useWebSocket()
    return { send: (text) => socket.send(text), close }
  }
}
