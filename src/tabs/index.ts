import { openConnection } from '../connection/connection.js'
import { openSocket } from '../connection/socket.js'
import type { OpenTransport } from '../connection/transport.js'
import { shareSockets } from './shared-socket.js'

export type { OpenTransport } from '../connection/transport.js'

export interface SharedTransportOptions {
  /**
   * The address of `signalpost-worker.min.js` on the origin of the page. A SharedWorker then has the connection, and no tab.
   * Where the browser has none, or a content policy blocks it, one of the tabs has the connection.
   */
  readonly worker?: string
}

/**
 * Returns a transport with which all tabs of a browser share one connection to the relay, with the same guarantees for each
 * tab: for the option `transport` of `createSignalClient`. One of the tabs has the connection; another one takes over when
 * it goes. Without Web Locks, as on http pages, or where the browser blocks storage, each tab has a connection of its own.
 */
export function sharedTransport({ worker }: SharedTransportOptions = {}): OpenTransport {
  return (settings, events) => {
    const open = shareSockets(openSocket, worker)
    const transport = openConnection(settings, events, open)
    open.attach(transport)
    return transport
  }
}
export { getSharing, onSharing, type Sharing } from './sharing.js'
export { oncePerBrowser } from './once-per-browser.js'
export { sharedFetch, type SharedFetchOptions } from './fetch/shared-fetch.js'
