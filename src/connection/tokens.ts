import type { Token } from '../signals.js'

/** A fresh token is asked for so long before the old one expires, in milliseconds, or at half of a short life. */
const MARGIN = 30_000
/** However short a token lives, or however late a fresh one comes. */
const SHORTEST_WAIT = 1000
const LONGEST_TIMER = 2_147_483_647

/** Asks the application for its token. Rejects when that fails. */
export async function readToken(token: Token | undefined): Promise<string | undefined> {
  const text: unknown = typeof token === 'function' ? await token() : token
  if (text === undefined || typeof text === 'string') return text
  throw new TypeError('A token is a string.')
}

/** How long to wait before a token that expires then, in epoch milliseconds, should be met with a fresh one. */
export function renewalDelay(expires: number, wallClock: number): number {
  const left = expires - wallClock
  return Math.min(Math.max(left - MARGIN, left / 2, SHORTEST_WAIT), LONGEST_TIMER)
}
