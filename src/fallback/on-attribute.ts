import { openConnection } from '../connection/connection.js'
import { type OpenSocket, openSocket, type Socket } from '../connection/socket.js'
import type { OpenTransport } from '../connection/transport.js'

/** Uses the fallback of a file that the page loads first. Without the file, the page has its WebSockets only. */
export function loadFallback(address: string): OpenTransport {
  const loading: Promise<OpenSocket> = import(address).then(
    ({ createFallback }) => createFallback(openSocket) as OpenSocket,
    () => openSocket,
  )

  return (settings, events) =>
    openConnection(settings, events, (url, socketEvents) => {
      let socket: Socket | undefined
      let isClosed = false
      void connect()

      async function connect(): Promise<void> {
        const open = await loading
        if (!isClosed) socket = open(url, socketEvents)
      }

      return {
        send: (text) => socket?.send(text),
        close() {
          isClosed = true
          socket?.close()
        },
      }
    })
}
