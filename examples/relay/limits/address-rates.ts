/** How often an address may connect, or leave a farewell: a room full of people comes back after a restart in peace. */
export const HANDSHAKE_RATE = { rate: 20, burst: 40 }

/** How many signals an address may leave as farewells: those of several people. */
export function farewellRate(ratePerConnection: number): { readonly rate: number; readonly burst: number } {
  return { rate: 4 * ratePerConnection, burst: 8 * ratePerConnection }
}

/** How many connections an address may have that are no WebSockets: browsers open up to six, and keep them for a while. */
export function maxHttpConnections(webSockets: number): number {
  return 10 * webSockets
}
