import { createControl } from '../rooms/instance-channel.js'
import { REVOCATIONS_ROOM, REVOCATIONS_MS } from '../log/retention.js'
import type { RetryingLog } from '../log/retry.js'
import { isTime, TOLERANCE } from './claims.js'
import { createRevocations, readRevocation, REVOCATION_RULE, type Revocation } from './revocations.js'
import type { Rights } from './rights.js'

export interface RevocationOptions {
  /** The log that all instances share. */
  readonly log: RetryingLog
  /** Something was taken back: whoever is connected should be looked at again. */
  readonly onRevoked: () => void
}

/** Takes rights back on every instance: each hears of it through the log that they share. */
export interface RevocationEverywhere {
  readonly covers: (rights: Rights) => boolean
  /** Resolves when every instance knows, or will as soon as it hears again. */
  readonly revoke: (revocation: Revocation) => Promise<void>
  start(): Promise<void>
  stop(): void
}

export function createRevocation({ log, onRevoked }: RevocationOptions): RevocationEverywhere {
  const revocations = createRevocations()
  const control = createControl({ room: REVOCATIONS_ROOM, log, onMessage: hear, age: REVOCATIONS_MS })

  function hear(message: unknown): void {
    const { at, ...rest } = { ...(message as Record<string, unknown> | null | undefined) }
    const revocation = readRevocation(rest)
    if (revocation && isTime(at)) apply(revocation, inOwnTime(at))
  }

  function apply(revocation: Revocation, at: number): void {
    revocations.add(revocation, at)
    onRevoked()
  }

  return {
    covers: revocations.cover,
    async revoke(asked) {
      // An embedding program may be written without types.
      const revocation = readRevocation(asked)
      if (!revocation) throw new TypeError(REVOCATION_RULE)
      const at = Date.now()
      // Here at once, whatever the log says.
      apply(revocation, at)
      await control.say({ ...revocation, at })
    },
    start: control.start,
    stop: control.stop,
  }
}

/**
 * When something happened by the clock of this instance. The clock of another one may be behind: what it did a moment ago
 * counts as done now, so that every token that was taken here before is covered.
 */
function inOwnTime(at: number): number {
  const now = Date.now()
  return at < now && now - at <= TOLERANCE ? now : at
}
