import type { SignalStatus } from '../status.js'

/** What is shown without a client, on a server, and in the browser until it has taken over the server's page. */
export const IDLE: SignalStatus = { state: 'idle', since: 0 }
