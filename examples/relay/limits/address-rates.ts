import type { RateOptions } from './rate-limit.js'

/** The limits of connections, of all and of one address. */
export interface ConnectionLimits {
  /** Maximum number of connections. */
  readonly max: number
  /** Maximum number of connections per address. */
  readonly maxPerAddress: number
  /** New connections per second and address. */
  readonly rate: number
}

/** Time for which new connections at the full rate fit into one burst, at most (s). */
const BURST_SECONDS = 100

/** Browsers open up to six HTTP connections each, and keep them open. */
const HTTP_PER_WEBSOCKET = 10
const HTTP_ENOUGH = 1000

/** Returns the rate of new connections per address. After a restart, an address may open all its connections at once. */
export function handshakeRate({ max, maxPerAddress, rate }: ConnectionLimits): RateOptions {
  return { rate, burst: Math.min(max, maxPerAddress, BURST_SECONDS * rate) }
}

/** Returns the rate of signals that one address may send as farewells: enough for an office that reloads all its tabs. */
export function farewellRate(ratePerConnection: number): RateOptions {
  return { rate: 40 * ratePerConnection, burst: 80 * ratePerConnection }
}

/** Returns the limit of HTTP connections per address. */
export function maxHttpConnections(webSockets: number): number {
  return Math.max(webSockets, Math.min(HTTP_PER_WEBSOCKET * webSockets, HTTP_ENOUGH))
}
