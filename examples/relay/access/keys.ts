import { hash, timingSafeEqual } from 'node:crypto'
import type { Scope } from './rights.js'

/** A secret, and the name of its holder. */
export interface NamedKey {
  readonly name: string
  readonly secret: string
}

/** A secret with which a backend publishes within a scope. Its name appears as `sender.server`. */
export interface PublishKey extends NamedKey, Scope {}

export interface Keyring<Key extends NamedKey> {
  readonly isEmpty: boolean
  /** Returns the key with this secret. */
  find(secret: string | undefined): Key | undefined
}

/** Compares secrets in constant time. */
export function createKeyring<Key extends NamedKey>(keys: readonly Key[]): Keyring<Key> {
  const hashed = keys.map((key) => ({ key, digest: sha256(key.secret) }))
  return {
    isEmpty: keys.length === 0,
    find(secret) {
      if (!secret) return undefined
      const digest = sha256(secret)
      return hashed.find((known) => timingSafeEqual(known.digest, digest))?.key
    },
  }
}

/** Reads the secret of an Authorization header. */
export function readBearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
