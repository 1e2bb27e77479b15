import { WebSocket, type ClientOptions } from 'ws'
import type { OpenSocket } from '../../src/connection/socket.js'
import { parse } from '../../src/protocol/codec.js'
import type { ClientFrame, RelayFrame } from '../../src/protocol/frames.js'

/** Hears all that the sockets of clients say and are told, just before the clients themselves do. */
export interface SocketListener {
  onDial?(client: string): void
  onOpen?(client: string): void
  onSaid(client: string, frame: ClientFrame): void
  onTold(client: string, frame: RelayFrame): void
}

export interface SocketTap {
  /** Sockets that are not closed. */
  readonly open: ReadonlySet<WebSocket>
  /** Gives the global WebSocket back. */
  remove(): void
}

/** Makes `globalThis.WebSocket` one that can be listened to. Clients name themselves by `?client=` in their url. */
export function tapSockets({ onDial, onOpen, onSaid, onTold }: SocketListener, options: ClientOptions = {}): SocketTap {
  const before = globalThis.WebSocket
  const open = new Set<WebSocket>()

  // Called with `new`, which then gives the socket that is returned.
  function Tapped(address: string): WebSocket {
    const client = new URL(address).searchParams.get('client') ?? ''
    const socket = new WebSocket(address, { perMessageDeflate: false, ...options })
    open.add(socket)
    onDial?.(client)
    socket.on('open', () => onOpen?.(client))
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    // What passes here is what the client and the relay made: the shape is theirs to check.
    socket.on('message', (bytes) => onTold(client, parse(String(bytes)) as unknown as RelayFrame))
    const send = socket.send.bind(socket)
    socket.send = (text: string) => {
      onSaid(client, parse(text) as unknown as ClientFrame)
      send(text)
    }
    return socket
  }

  globalThis.WebSocket = Object.assign(Tapped, WebSocket) as unknown as typeof globalThis.WebSocket
  return {
    open,
    remove() {
      globalThis.WebSocket = before
    },
  }
}

/** Listens to the sockets that a client opens in another way. */
export function tapWire(client: string, { onSaid, onTold }: SocketListener, openWire: OpenSocket): OpenSocket {
  return (url, events) => {
    const socket = openWire(url, {
      ...events,
      onText(text) {
        onTold(client, parse(text) as unknown as RelayFrame)
        events.onText(text)
      },
    })
    return {
      ...socket,
      send(text) {
        onSaid(client, parse(text) as unknown as ClientFrame)
        socket.send(text)
      },
    }
  }
}
