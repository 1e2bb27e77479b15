import { MAX_REVOCATIONS, REVOCATIONS_MS } from '../log/retention.js'
import { readId, CLOCK_TOLERANCE } from './claims.js'
import type { Rights } from './rights.js'

/** Takes back all tokens that a user has now, or one token. */
export type Revocation = { readonly user: string } | { readonly token: string }

/** What was taken back, and when. */
export interface Revocations {
  /** @param at When, in epoch milliseconds. */
  add(revocation: Revocation, at: number): void
  /** Whether rights were taken back. */
  isRevoked(rights: Rights): boolean
}

export function createRevocations(clock = () => Date.now()): Revocations {
  const users = new Map<string, number>()
  const tokens = new Map<string, number>()

  function remember(times: Map<string, number>, key: string, at: number): void {
    const latest = Math.max(at, times.get(key) ?? at)
    // At the end, so that the oldest stand at the front.
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
      // The clock of the server that issues tokens may be ahead: an old token may say a time that comes after this one.
      return at !== undefined && issued <= at + CLOCK_TOLERANCE
    },
  }
}

/** Checks what a request, or another instance, asks to take back. */
export function readRevocation(value: unknown): Revocation | undefined {
  const { user, token, ...others } = { ...(value as Record<string, unknown> | null | undefined) }
  if (Object.keys(others).length > 0) return undefined
  const [userText, tokenText] = [readId(user), readId(token)]
  if (userText !== undefined && token === undefined) return { user: userText }
  return tokenText !== undefined && user === undefined ? { token: tokenText } : undefined
}

/** What a revocation must look like, for people. */
export const REVOCATION_RULE = 'Send {"user": …}, the "sub" of tokens, or {"token": …}, the "jti" of one.'
