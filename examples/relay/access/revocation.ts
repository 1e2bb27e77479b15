import { createInstanceChannel } from '../rooms/instance-channel.js'
import { REVOCATIONS_ROOM, REVOCATIONS_MS } from '../log/retention.js'
import type { RetryingLog } from '../log/retry.js'
import { isTime, CLOCK_TOLERANCE } from './claims.js'
import { createRevocations, readRevocation, REVOCATION_RULE, type Revocation } from './revocations.js'
import type { Rights } from './rights.js'

export interface SharedRevocationOptions {
  /** The log that all instances share. */
  readonly log: RetryingLog
  /** Something was taken back: whoever is connected should be looked at again. */
  readonly onRevoked: () => void
}

/** Takes rights back on every instance: each hears of it through the log that they share. */
export interface SharedRevocations {
  readonly isRevoked: (rights: Rights) => boolean
  /** Resolves when every instance knows, or will as soon as it hears again. */
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
      // An embedding program may be written without types.
      const revocation = readRevocation(asked)
      if (!revocation) throw new TypeError(REVOCATION_RULE)
      const at = Date.now()
      // Here at once, whatever the log says.
      apply(revocation, at)
      await channel.publish({ ...revocation, at })
    },
    start: channel.start,
    stop: channel.stop,
  }
}

/**
 * When something happened by the clock of this instance. The clock of another one may be behind: what it did a moment ago
 * counts as done now, so that every token that was taken here before is covered.
 */
function toLocalTime(at: number): number {
  const now = Date.now()
  return at < now && now - at <= CLOCK_TOLERANCE ? now : at
}
