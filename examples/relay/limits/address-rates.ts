/** Rate of handshakes per address. A shared network can reconnect after a restart without refusals. */
export const HANDSHAKE_RATE = { rate: 20, burst: 40 }

/** Returns the rate of signals that one address may send as farewells: enough for several users. */
export function farewellRate(ratePerConnection: number): { readonly rate: number; readonly burst: number } {
  return { rate: 4 * ratePerConnection, burst: 8 * ratePerConnection }
}

/** Returns the limit of HTTP connections per address. Browsers open up to six each, and keep them open. */
export function maxHttpConnections(webSockets: number): number {
  return 10 * webSockets
}
