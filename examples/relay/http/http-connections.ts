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
  isOverLimit(request: IncomingMessage): boolean
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

interface Slot {
  readonly address: string
  readonly limit: ConcurrencyLimit
}

export function createHttpConnections({
  maxPerAddress,
  addressOf,
  isProxied,
}: HttpConnectionsOptions): HttpConnections {
  const [regular, extra] = [createConcurrencyLimit(maxPerAddress), createConcurrencyLimit(maxPerAddress)]
  const slots = new Map<Duplex, Slot>()

  function acquire(socket: Duplex, address: string): Slot | undefined {
    const limit = [regular, extra].find((each) => each.acquire(address))
    if (!limit) return undefined
    const slot = { address, limit }
    slots.set(socket, slot)
    return slot
  }

  function release(socket: Duplex): void {
    const slot = slots.get(socket)
    slots.delete(socket)
    slot?.limit.release(slot.address)
  }

  return {
    open(socket) {
      socket.once('close', () => release(socket))
      const address = isProxied ? undefined : addressOf({ headers: {}, socket })
      if (address !== undefined && !acquire(socket, address)) socket.destroy()
    },

    isOverLimit(request) {
      const { socket } = request
      const [address, slot] = [addressOf(request), slots.get(socket)]
      if (slot?.address === address && slot?.limit === regular) return false
      // Its address may have fewer by now, or be another one.
      release(socket)
      return address !== undefined && acquire(socket, address)?.limit !== regular
    },

    release,
  }
}
