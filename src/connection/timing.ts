/** How long the application may take for a token (ms). */
export const TOKEN_TIMEOUT = 15_000
/** How long the relay may take for its welcome (ms). */
export const WELCOME_TIMEOUT = 5000
/** A connection that lived this long (ms) was a good one: the next backoff starts small again. */
export const STABLE_AFTER = 5000
/** Shortest wait of a hidden tab, which is in no hurry (ms). */
export const HIDDEN_WAIT = 5000
/** Shortest time between two attempts of a page that wakes: the events that wake it come in bursts (ms). */
export const WAKE_INTERVAL = 1000
/** After this many failed attempts, a page that was never online learns that the address may be wrong. */
export const UNREACHABLE_AFTER = 3
/** After this many bad frames within a minute, stop reconnecting: retrying does not help. */
export const MAX_BAD_FRAMES = 3
export const MINUTE = 60_000
/** A timer that fires later than this was delayed by the browser or by sleep; ignore it (ms). */
export const LATE = 2000
/** Upper limit for the wait and the heartbeat interval that a relay may request (ms). */
export const MAX_REQUESTED = 300_000
/** The interval between two readings of the clock (ms). */
export const CLOCK_INTERVAL = 5000
/** Two readings further apart than this mean that the machine slept (ms). */
export const CLOCK_LEAP = 20_000
/** Network changes come in bursts, before the new network works; wait this long (ms). */
export const NETWORK_SETTLES = 1000
/** How long an attempt may take (ms): without a limit, a dead network keeps a socket connecting for minutes. */
export const OPEN_TIMEOUT = 10_000
