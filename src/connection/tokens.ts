import type { Token } from '../signals.js'

/** How long before the expiry of a token the client asks for a fresh one (ms); for a short life, at half of it. */
const MARGIN = 30_000
/** The shortest wait before a renewal (ms), however short the life of a token is. */
const SHORTEST_WAIT = 1000
const LONGEST_TIMER = 2_147_483_647

/** Asks the application for its token; rejects if the application fails. */
export async function readToken(token: Token | undefined): Promise<string | undefined> {
  const text: unknown = typeof token === 'function' ? await token() : token
  if (text === undefined || typeof text === 'string') return text
  throw new TypeError('A token is a string.')
}

/** Returns the milliseconds until a token with this rest of its life (ms) should be renewed. */
export function renewalDelay(left: number): number {
  return Math.min(Math.max(left - MARGIN, left / 2, SHORTEST_WAIT), LONGEST_TIMER)
}
