import type { SignalStatus } from '../status.js'

/** The status without a client, on a server, and in the browser until hydration ends. */
export const IDLE: SignalStatus = { state: 'idle', since: 0 }
