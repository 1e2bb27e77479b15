import { hash } from 'node:crypto'
import { CLOCK_TOLERANCE } from './claims.js'
import { createOriginCheck, type CheckOrigin } from './origins.js'
import type { Authorize, Rights } from './rights.js'

const ISSUED_IN_FUTURE = `"iat" must not lie more than ${CLOCK_TOLERANCE / 1000} s ahead of the relay's clock: synchronize the clocks`

export interface AccessOptions {
  /** The address that the relay listens on. */
  readonly host: string
  /** Allowed origins besides the page's own host and loopback. */
  readonly origins: readonly string[]
  /** Allows clients without an Origin header, which browsers always send. */
  readonly isOpen: boolean
  readonly authorize?: Authorize | undefined
  /** Reports whether rights are revoked. @default never */
  readonly isRevoked?: (rights: Rights) => boolean
  /** Receives the reason why a token was refused. */
  readonly onRefused?: (text: string) => void
}

/** Why a token gives no rights, as the page is told. */
export type TokenFault = 'missing' | 'expired' | 'wrong'

/** A wrong signature, claim or user and a revocation have one text: only the owner of a token should learn more. */
export const TOKEN_FAULTS: { readonly [Fault in TokenFault]: string } = {
  missing: 'the token is missing',
  expired: 'the token has expired',
  wrong: 'the token is wrong or revoked',
}

export interface Access {
  /** Returns the reason why these headers are refused, or `undefined`. */
  readonly checkOrigin: CheckOrigin
  /** Returns the rights of a token, or why it gives none. */
  rightsOf(token: string | undefined): Promise<Rights | TokenFault>
  /** Reports whether rights are neither expired nor revoked. */
  areValid(rights: Rights): boolean
}

/** Decides which clients may connect, and with which rights. */
export function createAccess(options: AccessOptions): Access {
  const { host, origins, isOpen, authorize, isRevoked = () => false, onRefused = () => {} } = options

  function hasExpired({ expires = Number.POSITIVE_INFINITY }: Rights): boolean {
    return expires <= Date.now()
  }

  function areValid(rights: Rights): boolean {
    return !hasExpired(rights) && !isRevoked(rights)
  }

  return {
    checkOrigin: createOriginCheck({ host, origins, mayBeMissing: isOpen || authorize !== undefined }),

    async rightsOf(token) {
      if (!authorize) return {}
      if (!token) return 'missing'
      const rights = await authorize(token)
      if (!rights) return 'wrong'
      // A revocation covers tokens up to this far ahead of its own time, and thus every token that was accepted before
      // it.
      if ((rights.issued ?? 0) > Date.now() + CLOCK_TOLERANCE) {
        onRefused(ISSUED_IN_FUTURE)
        return 'wrong'
      }
      if (hasExpired(rights)) return 'expired'
      return areValid(rights) ? rights : 'wrong'
    },

    areValid,
  }
}

/** Creates an access that can be replaced while connections use it. */
export function createReplaceableAccess(first: Access): Access & { replace(next: Access): void } {
  let current = first
  return {
    checkOrigin: (origin, host) => current.checkOrigin(origin, host),
    rightsOf: (token) => current.rightsOf(token),
    areValid: (rights) => current.areValid(rights),
    replace(next) {
      current = next
    },
  }
}

/** Returns the public id of a page: a hash of its secret, so that no other page can impersonate it. */
export function publicTab(secret: string): string {
  return hash('sha256', secret, 'base64url').slice(0, 16)
}
