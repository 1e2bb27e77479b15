import type { OpenSocket } from '../connection/socket.js'
import { createGroup } from './group.js'
import { openLeaderCarrier } from './leader.js'

/** The version of the messages between tabs: tabs of other versions share nothing. */
const VERSION = 1

/**
 * Opens sockets that share one connection with those of other tabs. Without Web Locks, as on http pages, each has a
 * connection of its own.
 */
export function wrapSocket(openSocket: OpenSocket): OpenSocket {
  if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel) return openSocket
  let group: OpenSocket | undefined
  return (url, events) => {
    const name = `signalpost ${VERSION} ${url}`
    const sharedUrl = `${url}${url.includes('?') ? '&' : '?'}shared`
    group ??= createGroup((options) => openLeaderCarrier({ ...options, name, url: sharedUrl, openSocket }), openSocket)
    return group(url, events)
  }
}
