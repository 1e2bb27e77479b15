import { MAX_REVOCATIONS, REVOCATIONS_MS } from '../signal-log/retention.js'
import { readId, CLOCK_TOLERANCE } from './claims.js'
import type { Rights } from './rights.js'

/** Revokes all current tokens of a user, or one token. */
export type Revocation = { readonly user: string } | { readonly token: string }

/** The revocations of the last day, with their times. */
export interface Revocations {
  /** @param at Time of the revocation (epoch ms). */
  add(revocation: Revocation, at: number): void
  /** Reports whether rights are revoked. */
  isRevoked(rights: Rights): boolean
}

export function createRevocations(clock = () => Date.now()): Revocations {
  const users = new Map<string, number>()
  const tokens = new Map<string, number>()

  function remember(times: Map<string, number>, key: string, at: number): void {
    const latest = Math.max(at, times.get(key) ?? at)
    // Reinsert at the end: the oldest come first.
    times.delete(key)
    times.set(key, latest)
    for (const [oldest, time] of times) {
      if (times.size <= MAX_REVOCATIONS && time > clock() - REVOCATIONS_MS) return
      times.delete(oldest)
    }
  }

  return {
    add(revocation, at) {
      if ('user' in revocation) remember(users, revocation.user, at)
      else remember(tokens, revocation.token, at)
    },
    isRevoked({ user, id, issued = 0 }) {
      if (id !== undefined && tokens.has(id)) return true
      const at = user === undefined ? undefined : users.get(user)
      // The clock of the token issuer may be ahead, so an older token may have a later time.
      return at !== undefined && issued <= at + CLOCK_TOLERANCE
    },
  }
}

/** Parses a revocation of a request or of another instance. */
export function readRevocation(value: unknown): Revocation | undefined {
  const { user, token, ...others } = { ...(value as Record<string, unknown> | null | undefined) }
  if (Object.keys(others).length > 0) return undefined
  const [userText, tokenText] = [readId(user), readId(token)]
  if (userText !== undefined && token === undefined) return { user: userText }
  return tokenText !== undefined && user === undefined ? { token: tokenText } : undefined
}

/** The form of a revocation, for texts. */
export const REVOCATION_RULE = 'Send {"user": …}, the "sub" of tokens, or {"token": …}, the "jti" of one.'
