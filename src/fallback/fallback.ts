import type { OpenSocket, Socket } from '../connection/socket.js'
import * as CloseCode from '../protocol/close-codes.js'
import { type HttpRoute, openHttpSocket } from './http-socket.js'

/** How long a WebSocket may take to its first frame (ms): less than the client waits for a welcome. */
const PATIENCE = 4000
/** The same for the first answer to a request (ms): a proxy that buffers takes half of that time. */
const ANSWER_TIMEOUT = 4900
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
      timer = setTimeout(end, ANSWER_TIMEOUT, CloseCode.Abnormal, '')
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
          onClose: end,
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
      clearTimeout(timer)
      timer = setTimeout(testWebSocket, blockedUntil - now)
    }

    function testWebSocket(): void {
      test = openSocket(url, {
        ...events,
        onOpen() {
          blockedUntil = -Infinity
          // The client connects again at once, and resumes.
          end(CloseCode.TooSlow, 'WebSockets work again')
        },
        onText: () => undefined,
        onClose: block,
      })
    }

    function close(): void {
      clearTimeout(timer)
      test?.close()
      socket.close()
    }

    function end(code: number, reason: string): void {
      close()
      events.onClose(code, reason)
    }

    if (performance.now() < blockedUntil) useHttp()
    else useWebSocket()
    return { send: (text) => socket.send(text), close }
  }
}
