import { createInstanceChannel } from '../rooms/instance-channel.js'
import { REVOCATIONS_ROOM, REVOCATIONS_MS } from '../signal-log/retention.js'
import type { RetryingLog } from '../signal-log/retry.js'
import { isTime, CLOCK_TOLERANCE } from './claims.js'
import { createRevocations, readRevocation, REVOCATION_RULE, type Revocation } from './revoked-tokens.js'
import type { Rights } from './rights.js'

export interface SharedRevocationOptions {
  /** The log that all instances share. */
  readonly log: RetryingLog
  /** Called after a revocation, so that connections check their rights. */
  readonly onRevoked: () => void
}

/** Revokes rights on every instance, through the shared log. */
export interface SharedRevocations {
  readonly isRevoked: (rights: Rights) => boolean
  /** Resolves when the revocation is in the shared log, from which every instance reads it. */
  readonly revoke: (revocation: Revocation) => Promise<void>
  start(): Promise<void>
  stop(): void
}

export function createSharedRevocations({ log, onRevoked }: SharedRevocationOptions): SharedRevocations {
  const revocations = createRevocations()
  const channel = createInstanceChannel({ room: REVOCATIONS_ROOM, log, onMessage: receive, age: REVOCATIONS_MS })

  function receive(message: unknown): void {
    const { at, ...rest } = { ...(message as Record<string, unknown> | null | undefined) }
    const revocation = readRevocation(rest)
    if (revocation && isTime(at)) apply(revocation, toLocalTime(at))
  }

  function apply(revocation: Revocation, at: number): void {
    revocations.add(revocation, at)
    onRevoked()
  }

  return {
    isRevoked: revocations.isRevoked,
    async revoke(asked) {
      // Embedding programs may be written in JavaScript.
      const revocation = readRevocation(asked)
      if (!revocation) throw new TypeError(REVOCATION_RULE)
      const at = Date.now()
      // Apply locally first; the log may be unavailable.
      apply(revocation, at)
      await channel.publish({ ...revocation, at })
    },
    start: channel.start,
    stop: channel.stop,
  }
}

/**
 * Converts a time of another instance to this clock. The other clock may be behind: a recent time counts as now, so
 * that every token that was accepted here before is covered.
 */
function toLocalTime(at: number): number {
  const now = Date.now()
  return at < now && now - at <= CLOCK_TOLERANCE ? now : at
}
