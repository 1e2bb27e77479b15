import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { AddressOf } from '../limits/client-address.js'
import { createConcurrencyLimit, type ConcurrencyLimit } from '../limits/concurrency.js'
import type { Siblings } from '../siblings.js'

/** Counts the HTTP connections of each address, including idle ones. WebSockets do not count. */
export interface HttpConnections {
  /** Counts a new connection, or closes it when the address has twice the limit. */
  open(socket: Socket): void
  /** Counts the request's connection for its address. Returns `extra` for a connection that gets urgent replies only. */
  assignSlot(request: IncomingMessage): 'regular' | 'extra'
  /** Stops counting a connection that becomes a WebSocket. */
  release(socket: Duplex): void
}

export interface HttpConnectionsOptions {
  /** Connections per address that get every reply. The same number again gets urgent replies only. */
  readonly maxPerAddress: number | (() => number)
  readonly addressOf: AddressOf
  /** Behind a proxy, a connection belongs to the address of its latest request. */
  readonly isProxied: boolean
  readonly siblings: Siblings
}

interface Slot {
  readonly address: string
  readonly limit: ConcurrencyLimit
}

export function createHttpConnections({
  maxPerAddress,
  addressOf,
  isProxied,
  siblings,
}: HttpConnectionsOptions): HttpConnections {
  const regular = createConcurrencyLimit(maxPerAddress, siblings.shareUses('http-connections'))
  const extra = createConcurrencyLimit(maxPerAddress, siblings.shareUses('extra-http-connections'))
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

  // One listener for all sockets: one of each would stay with it as long as it is a WebSocket.
  function onClose(this: Duplex): void {
    release(this)
  }

  return {
    open(socket) {
      socket.on('close', onClose)
      const address = isProxied ? undefined : addressOf({ headers: {}, socket })
      if (address !== undefined && !acquire(socket, address)) socket.destroy()
    },

    assignSlot(request) {
      const { socket } = request
      const [address, slot] = [addressOf(request), slots.get(socket)]
      if (slot?.address === address && slot?.limit === regular) return 'regular'
      // The address may have fewer connections now, or another address may use this one.
      release(socket)
      return address === undefined || acquire(socket, address)?.limit === regular ? 'regular' : 'extra'
    },

    release(socket) {
      socket.off('close', onClose)
      release(socket)
    },
  }
}
