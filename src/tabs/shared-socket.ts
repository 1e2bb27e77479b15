import type { OpenSocket, Socket, SocketEvents } from '../connection/socket.js'
import type { Transport } from '../connection/transport.js'
import { openChannel } from './channel.js'
import { createGroup, type OpenCarrier, openUnshared, type SharedSockets } from './group.js'
import { openLeaderCarrier } from './leader.js'
import { openWorkerCarrier } from './worker-carrier.js'

/** The version of the messages between tabs: tabs of other versions share nothing. */
const VERSION = 1

/**
 * Opens sockets that share one connection with those of other tabs. Without Web Locks, as on http pages, each has a
 * connection of its own.
 *
 * @param worker The address of a file on the origin of the page, for a SharedWorker.
 */
export function shareSockets(openSocket: OpenSocket, worker?: string): SharedSockets {
  let group: SharedSockets | undefined
  let transport: Transport | undefined

  function createGroupOf(url: string): SharedSockets {
    const shared = { name: `signalpost ${VERSION} ${url}`, url: `${url}${url.includes('?') ? '&' : '?'}shared` }
    const openLeader: OpenCarrier = (options) => openLeaderCarrier({ ...options, ...shared, openSocket })
    if (worker === undefined || !globalThis.SharedWorker) return createGroup([openLeader], openSocket)
    const openWorker: OpenCarrier = (options) => openWorkerCarrier({ ...options, ...shared, worker })
    return createGroup([openWorker, openLeader], openSocket)
  }

  function open(url: string, events: SocketEvents): Socket {
    if (!group && !canShare()) return openUnshared(openSocket, url, events)
    group ??= createGroupOf(url)
    if (transport) group.attach(transport)
    return group(url, events)
  }

  return Object.assign(open, {
    attach(attached: Transport) {
      transport = attached
    },
  })
}

function canShare(): boolean {
  const channel = globalThis.navigator?.locks && openChannel('signalpost')
  channel?.close()
  return channel !== undefined
}
