import type { ConcurrencyLimit } from './concurrency.js'
import type { RateLimiter } from './rate-limit.js'

/** Why a connection may not begin. */
export interface Rejection {
  readonly limit: 'connections' | 'address-connections' | 'address-rate'
  /** The reason of the close frame. */
  readonly reason: string
  /** The wait before the next attempt (ms). */
  readonly retryAfter: number
}

export interface AdmissionOptions {
  readonly connections: { readonly isFull: boolean }
  /** Limits the connections of each address. */
  readonly connectionLimit: ConcurrencyLimit
  /** Limits the new connections of each address. */
  readonly connectionRate: RateLimiter
}

/** Admits new connections within the limits: those of WebSockets, and those of tabs that share one. */
export interface Admission {
  /**
   * Counts a connection, or returns why it may not begin.
   *
   * @param address The client's address, unless it is a loopback one.
   */
  admit(address: string | undefined): Rejection | undefined
  /** Stops counting a connection that was admitted. */
  release(address: string | undefined): void
}

/** There is no room for a further connection of any address. */
export const FULL: Rejection = { limit: 'connections', reason: 'too many connections', retryAfter: 10_000 }
const TOO_MANY: Rejection = {
  limit: 'address-connections',
  reason: 'too many connections from this network',
  retryAfter: 10_000,
}
const TOO_FAST: Rejection = {
  limit: 'address-rate',
  reason: 'too many new connections from this network',
  retryAfter: 1000,
}

export function createAdmission({ connections, connectionLimit, connectionRate }: AdmissionOptions): Admission {
  function admitFrom(address: string): Rejection | undefined {
    // A connection that the limit refuses takes nothing from the rate of its address.
    if (!connectionLimit.acquire(address)) return TOO_MANY
    const wait = connectionRate.consume(address)
    if (wait === 0) return undefined
    connectionLimit.release(address)
    return { ...TOO_FAST, retryAfter: Math.max(TOO_FAST.retryAfter, Math.ceil(wait / 1000) * 1000) }
  }

  return {
    admit(address) {
      if (connections.isFull) return FULL
      return address === undefined ? undefined : admitFrom(address)
    },
    release(address) {
      if (address !== undefined) connectionLimit.release(address)
    },
  }
}
