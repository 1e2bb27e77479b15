import type { Token } from '../signals.js'

/** How long before the expiry of a token the client asks for a fresh one (ms); for a short life, at half of it. */
const MARGIN = 30_000
/** The shortest wait before a renewal (ms), however short the life of a token is. */
const SHORTEST_WAIT = 1000
const LONGEST_TIMER = 2_147_483_647

/** Asks the application for its token; rejects if the application fails. */
export async function readToken(token: Token | undefined): Promise<string | undefined> {
  const text = typeof token === 'function' ? await token() : token
  // Any other value than a text throws as well. A byte order mark counts as a space.
  if (text !== undefined && text.search(/[\s"<]/) >= 0) throw new TypeError('A token has no space, quote or <.')
  return text
}

/** Returns the milliseconds until a token with this rest of its life (ms) should be renewed. */
export function renewalDelay(left: number): number {
  return Math.min(Math.max(left - MARGIN, left / 2, SHORTEST_WAIT), LONGEST_TIMER)
}
