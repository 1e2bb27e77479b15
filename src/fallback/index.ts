import { openConnection } from '../connection/connection.js'
import { openSocket } from '../connection/socket.js'
import type { OpenTransport } from '../connection/transport.js'
import { wrapSocket } from './fallback.js'

export type { OpenTransport } from '../connection/transport.js'

/**
 * A transport that uses HTTP requests where WebSockets are blocked, with the same guarantees: for the option `transport` of
 * `createSignalClient`. It returns to WebSockets when they work again.
 */
export const httpFallback: OpenTransport = (settings, events) =>
  openConnection(settings, events, wrapSocket(openSocket))
