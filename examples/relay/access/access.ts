import { CLOCK_TOLERANCE } from './claims.js'
import { sha256 } from './keys.js'
import { createOriginCheck, type CheckOrigin } from './origins.js'
import type { Authorize, Rights } from './rights.js'

const ISSUED_IN_FUTURE = `"iat" must not lie more than ${CLOCK_TOLERANCE / 1000} s ahead of the relay's clock: set the clocks`

export interface AccessOptions {
  /** The address that the relay is bound to. */
  readonly host: string
  /** Origins that are allowed beside the page's own host and this machine. */
  readonly origins: readonly string[]
  /** Lets in clients that send no Origin header, which browsers always do. */
  readonly isOpen: boolean
  readonly authorize?: Authorize | undefined
  /** Whether rights were taken back. @default never */
  readonly isRevoked?: (rights: Rights) => boolean
  /** Hears why rights are not good. */
  readonly onRefused?: (text: string) => void
}

export interface Access {
  /** Says why a request with these headers may not come in, or nothing. */
  readonly checkOrigin: CheckOrigin
  /** The rights of a token; `undefined` when the token is missing where one is needed, or not good. */
  rightsOf(token: string | undefined): Promise<Rights | undefined>
  /** Whether rights are still good. */
  areValid(rights: Rights): boolean
}

/** Decides who comes in, and as whom. */
export function createAccess(options: AccessOptions): Access {
  const { host, origins, isOpen, authorize, isRevoked = () => false, onRefused = () => {} } = options

  function areValid(rights: Rights): boolean {
    return (rights.expires ?? Number.POSITIVE_INFINITY) > Date.now() && !isRevoked(rights)
  }

  return {
    checkOrigin: createOriginCheck({ host, origins, mayBeMissing: isOpen || authorize !== undefined }),

    async rightsOf(token) {
      if (!authorize) return {}
      const rights = token === undefined ? undefined : await authorize(token)
      // A revocation covers what lies this far ahead of its own time, and so whatever was let in before it.
      if ((rights?.issued ?? 0) > Date.now() + CLOCK_TOLERANCE) {
        onRefused(ISSUED_IN_FUTURE)
        return undefined
      }
      return rights && areValid(rights) ? rights : undefined
    },

    areValid,
  }
}

/** The public name of a page: a hash of its secret, so that nobody can pass for another page. */
export function publicTab(secret: string): string {
  return sha256(secret).toString('base64url').slice(0, 16)
}
