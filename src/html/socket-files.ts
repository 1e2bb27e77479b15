import { openConnection } from '../connection/connection.js'
import { type OpenSocket, openSocket, type Socket, type SocketEvents } from '../connection/socket.js'
import type { OpenTransport, Transport } from '../connection/transport.js'

/** A file beside the script tag that opens sockets in another way, by means of the usual one. */
interface SocketFile {
  wrapSocket(open: OpenSocket): OpenSocket & { attach?(transport: Transport): void }
}

/**
 * Uses files that the page loads first, each on top of the ones before. Without its file, the page does without.
 *
 * @param onReady The files are loaded: it is time for a client.
 */
export function loadSocketFiles(addresses: readonly string[], onReady: () => void): OpenTransport {
  const files = Promise.all(
    addresses.map((address): Promise<SocketFile | undefined> => import(address).catch(() => undefined)),
  )
  void files.then(onReady)

  return (settings, events) => {
    const transport = openConnection(settings, events, openWhenLoaded)
    const loading = load()

    async function load(): Promise<OpenSocket> {
      let open: OpenSocket = openSocket
      for (const file of await files) {
        const wrapped = file?.wrapSocket(open)
        wrapped?.attach?.(transport)
        open = wrapped ?? open
      }
      return open
    }

    function openWhenLoaded(url: string, socketEvents: SocketEvents): Socket {
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
    }

    return transport
  }
}
