import { matchesAny } from './patterns.js'

/** The rights of a client. A missing field means no restriction. */
export interface Rights {
  /** The user that the relay adds to signals. */
  readonly user?: string
  /** When the rights end (epoch ms). */
  readonly expires?: number
  /**
   * When the rights were issued (epoch ms). Revoking a user ends rights that were issued before it, or up to 5 s later.
   * Without this field, a revoked user is locked out for a day.
   */
  readonly issued?: number
  /** The id of the token, by which this token can be revoked. */
  readonly id?: string
  readonly join?: (room: string) => boolean
  readonly send?: (room: string, name: string) => boolean
}

/**
 * Turns a token into rights, or into `undefined` if it is invalid. A throw means a failure, not a refusal, and so does
 * a field of a wrong type; integers count as text.
 */
export type Authorize = (token: string) => Rights | undefined | Promise<Rights | undefined>

/** Rooms and names of signals as patterns. A missing list means no restriction. */
export interface Scope {
  /** The rooms to join and to send to. */
  readonly rooms?: readonly string[]
  /** The names of the signals to send. */
  readonly send?: readonly string[]
}

export function rightsWithin({ rooms, send }: Scope): Pick<Rights, 'join' | 'send'> {
  const mayUseRoom = (room: string): boolean => !rooms || matchesAny(room, rooms)
  const maySendName = (name: string): boolean => !send || matchesAny(name, send)
  return { join: mayUseRoom, send: (room, name) => mayUseRoom(room) && maySendName(name) }
}
