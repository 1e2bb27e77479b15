import type { OpenSocket, Socket, SocketEvents } from '../connection/socket.js'
import type { Transport } from '../connection/transport.js'
import { createGroup, type SharedSockets } from './group.js'
import { openLeaderCarrier } from './leader.js'

/** The version of the messages between tabs: tabs of other versions share nothing. */
const VERSION = 1

/**
 * Opens sockets that share one connection with those of other tabs. Without Web Locks, as on http pages, each has a
 * connection of its own.
 */
export function wrapSocket(openSocket: OpenSocket): SharedSockets {
  let group: SharedSockets | undefined
  let transport: Transport | undefined

  function open(url: string, events: SocketEvents): Socket {
    if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel) return openSocket(url, events)
    const name = `signalpost ${VERSION} ${url}`
    const sharedUrl = `${url}${url.includes('?') ? '&' : '?'}shared`
    group ??= createGroup((options) => openLeaderCarrier({ ...options, name, url: sharedUrl, openSocket }), openSocket)
    if (transport) group.attach(transport)
    return group(url, events)
  }

  return Object.assign(open, {
    attach(attached: Transport) {
      transport = attached
    },
  })
}
