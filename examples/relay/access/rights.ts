import { matchesAny } from './patterns.js'

/** What somebody may do. What is not said is allowed. */
export interface Rights {
  /** The user that the relay stamps on the signals. */
  readonly user?: string
  /** When the rights end, in epoch milliseconds. */
  readonly expires?: number
  /**
   * When they were given, in epoch milliseconds: a user's revocation ends what was given before it, or up to 5 s later.
   * Without it, a user who was revoked stays out for a day.
   */
  readonly issued?: number
  /** The id of the token that gave them, by which that one token can be revoked. */
  readonly id?: string
  readonly join?: (room: string) => boolean
  readonly send?: (room: string, name: string) => boolean
}

/**
 * Turns a token into rights, or into `undefined` when it is not a good one. A throw means trouble, not refusal, and so does a
 * field of a wrong type; integers count as text.
 */
export type Authorize = (token: string) => Rights | undefined | Promise<Rights | undefined>

/** Rooms and names of signals as patterns; what is missing is not limited. */
export interface Scope {
  /** The rooms to hear and to send to. */
  readonly rooms?: readonly string[]
  /** The names of the signals to send. */
  readonly send?: readonly string[]
}

export function rightsWithin({ rooms, send }: Scope): Pick<Rights, 'join' | 'send'> {
  const mayUseRoom = (room: string): boolean => !rooms || matchesAny(room, rooms)
  const maySendName = (name: string): boolean => !send || matchesAny(name, send)
  return { join: mayUseRoom, send: (room, name) => mayUseRoom(room) && maySendName(name) }
}
