import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import { readClaims, CLOCK_TOLERANCE, WrongClaim } from './claims.js'
import { sha256 } from './keys.js'
import type { Authorize, Rights } from './rights.js'

const NOT_SUPPORTED = 'the token uses an algorithm or an extension that this relay does not support'

/** Public keys and secrets use separate algorithms: a public key must never be used as a secret. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** The keys to verify tokens with could not be fetched. The token may be valid. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** The options for verifying tokens. Empty ones are ignored. */
export interface TokenOptions {
  readonly authSecret: readonly string[]
  readonly authJwks: string
  readonly authIssuer: string
  readonly authAudience: string
}

/** Rights of a token, with a digest of the settings that it was verified with. */
interface VerifiedRights extends Rights {
  readonly verifiedWith: string
}

/** Reports whether rights come from a token that these settings still accept. */
export function isStillVerified(rights: Rights, options: TokenOptions): boolean {
  return !('verifiedWith' in rights) || verifiersOf(options).includes(String(rights.verifiedWith))
}

/** Returns a digest for each secret, or for the key set. */
function verifiersOf({ authSecret, authJwks, authIssuer, authAudience }: TokenOptions): readonly string[] {
  const keys = authJwks === '' ? authSecret : [authJwks]
  return keys.map((key) => sha256(JSON.stringify([key, authIssuer, authAudience])).toString('base64url'))
}

/**
 * Creates a function that verifies JSON Web Tokens. Returns `undefined` when there are neither secrets nor a key set.
 *
 * @param onRefused Receives the reason why a token is refused. The text contains nothing of the token.
 */
export function createTokenReader(options: TokenOptions, onRefused: (text: string) => void): Authorize | undefined {
  const { authSecret: secrets, authJwks: jwks, authIssuer: issuer, authAudience: audience } = options
  if (jwks === '' && secrets.length === 0) return undefined
  const common: JWTVerifyOptions = {
    clockTolerance: CLOCK_TOLERANCE / 1000,
    requiredClaims: ['exp'],
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  }
  const keySet = jwks === '' ? undefined : createKeySet(jwks)
  const keys = secrets.map((secret) => new TextEncoder().encode(secret))

  const verifiers = verifiersOf(options)

  /** Returns the claims, and the index of the key. */
  async function verify(token: string): Promise<readonly [claims: JWTPayload, index: number]> {
    if (keySet) return [(await jwtVerify(token, keySet, { ...common, algorithms: PUBLIC_KEY_ALGORITHMS })).payload, 0]
    for (const [index, key] of keys.entries()) {
      try {
        return [(await jwtVerify(token, key, { ...common, algorithms: ['HS256'] })).payload, index]
      } catch (error) {
        const isLast = index === keys.length - 1
        if (isLast || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }

  return async (token) => {
    try {
      const [claims, index] = await verify(token)
      const rights: VerifiedRights = { ...readClaims(claims), verifiedWith: verifiers[index] ?? '' }
      return rights
    } catch (error) {
      if (!(error instanceof errors.JOSEError || error instanceof WrongClaim)) throw error
      // The text of this error quotes the token's header.
      onRefused(error instanceof errors.JOSENotSupported ? NOT_SUPPORTED : error.message)
      // The signature is good: these rights have expired.
      return error instanceof errors.JWTExpired ? { expires: 0 } : undefined
    }
  }
}

function createKeySet(address: string): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(new URL(address))
  return async (header, token) => {
    try {
      return await keySet(header, token)
    } catch (error) {
      if (isTokenFault(error)) throw error
      throw new KeysUnavailable('The keys of tokens cannot be fetched from --auth-jwks.', { cause: error })
    }
  }
}

function isTokenFault(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}
