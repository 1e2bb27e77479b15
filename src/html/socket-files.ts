import { openConnection } from '../connection/connection.js'
import { type OpenSocket, openSocket, type Socket } from '../connection/socket.js'
import type { OpenTransport } from '../connection/transport.js'

/** A file beside the script tag that opens sockets in another way, by means of the usual one. */
interface SocketFile {
  wrapSocket(open: OpenSocket): OpenSocket
}

/** Uses files that the page loads first, each on top of the ones before. Without its file, the page does without. */
export function loadSocketFiles(addresses: readonly string[]): OpenTransport {
  const files = addresses.map((address): Promise<SocketFile | undefined> => import(address).catch(() => undefined))
  const loading = Promise.all(files).then((loaded) =>
    loaded.reduce<OpenSocket>((open, file) => file?.wrapSocket(open) ?? open, openSocket),
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
