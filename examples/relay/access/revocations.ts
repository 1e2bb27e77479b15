import { MOST_REVOCATIONS, REVOCATIONS_MS } from '../log/retention.js'
import type { Rights } from './rights.js'

/** Takes back all tokens that a user has now, or one token. */
export type Revocation = { readonly user: string } | { readonly token: string }

/** What was taken back, and when. */
export interface Revocations {
  /** @param at When, in epoch milliseconds. */
  add(revocation: Revocation, at: number): void
  /** Whether rights were taken back. */
  cover(rights: Rights): boolean
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
      if (times.size <= MOST_REVOCATIONS && time > clock() - REVOCATIONS_MS) return
      times.delete(oldest)
    }
  }

  return {
    add(revocation, at) {
      if ('user' in revocation) remember(users, revocation.user, at)
      else remember(tokens, revocation.token, at)
    },
    cover({ user, id, issued = 0 }) {
      if (id !== undefined && tokens.has(id)) return true
      const at = user === undefined ? undefined : users.get(user)
      // Tokens say when they were issued in whole seconds: one of the same second may be an old one.
      return at !== undefined && issued <= at
    },
  }
}

/** Checks what a request, or another instance, asks to take back. */
export function readRevocation(value: unknown): Revocation | undefined {
  const { user, token, ...others } = { ...(value as Record<string, unknown> | null | undefined) }
  if (Object.keys(others).length > 0) return undefined
  if (isText(user) && token === undefined) return { user }
  return isText(token) && user === undefined ? { token } : undefined
}

const LONGEST = 256

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST
}
