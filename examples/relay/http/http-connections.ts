import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { AddressOf } from '../limits/addresses.js'
import { createConcurrencyLimit, type ConcurrencyLimit } from '../limits/concurrency.js'

/** Counts the connections of each address that are not WebSockets, idle ones included. */
export interface HttpConnections {
  /** Counts a new connection, or drops it where its address has twice as many as it may have. */
  open(socket: Socket): void
  /** Whether a request comes over a connection that its address has too many of. */
  isOneTooMany(request: IncomingMessage): boolean
  /** Counts a connection no longer, because it becomes a WebSocket. */
  release(socket: Duplex): void
}

export interface HttpConnectionsOptions {
  /** Connections of one address that get every answer. As many again are answered only where it is urgent. */
  readonly maxPerAddress: number
  readonly addressOf: AddressOf
  /** Whether connections come from a proxy: then each is that of the address which asked last. */
  readonly isProxied: boolean
}

interface Place {
  readonly address: string
  readonly list: ConcurrencyLimit
}

export function createHttpConnections({
  maxPerAddress,
  addressOf,
  isProxied,
}: HttpConnectionsOptions): HttpConnections {
  const [regular, extra] = [createConcurrencyLimit(maxPerAddress), createConcurrencyLimit(maxPerAddress)]
  const places = new Map<Duplex, Place>()

  function take(socket: Duplex, address: string): Place | undefined {
    const list = [regular, extra].find((each) => each.acquire(address))
    if (!list) return undefined
    const place = { address, list }
    places.set(socket, place)
    return place
  }

  function release(socket: Duplex): void {
    const place = places.get(socket)
    places.delete(socket)
    place?.list.release(place.address)
  }

  return {
    open(socket) {
      socket.once('close', () => release(socket))
      const address = isProxied ? undefined : addressOf({ headers: {}, socket })
      if (address !== undefined && !take(socket, address)) socket.destroy()
    },

    isOneTooMany(request) {
      const { socket } = request
      const [address, place] = [addressOf(request), places.get(socket)]
      if (place?.address === address && place?.list === regular) return false
      // Its address may have fewer by now, or be another one.
      release(socket)
      return address !== undefined && take(socket, address)?.list !== regular
    },

    release,
  }
}
