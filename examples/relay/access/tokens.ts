import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import { isPattern } from './patterns.js'
import { rightsWithin, type Authorize, type Rights, type Scope } from './rights.js'

/** The keys that tokens are checked with could not be fetched: trouble, and no judgement on the token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** The options of the relay that say how tokens are checked. Empty ones are not used. */
export interface TokenOptions {
  readonly authSecret: readonly string[]
  readonly authJwks: string
  readonly authIssuer: string
  readonly authAudience: string
}

/**
 * Reads JSON Web Tokens; `undefined` when neither secrets nor a key set are there to check them with.
 *
 * @param onRefused Hears why a token is not good. The text holds nothing of the token.
 */
export function createTokenReader(options: TokenOptions, onRefused: (text: string) => void): Authorize | undefined {
  const { authSecret: secrets, authJwks: jwks, authIssuer: issuer, authAudience: audience } = options
  if (jwks === '' && secrets.length === 0) return undefined
  const common: JWTVerifyOptions = {
    clockTolerance: TOLERANCE_SECONDS,
    requiredClaims: ['exp'],
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  }
  const keySet = jwks === '' ? undefined : createKeySet(jwks)
  const keys = secrets.map((secret) => new TextEncoder().encode(secret))

  async function verify(token: string): Promise<JWTPayload> {
    if (keySet) return (await jwtVerify(token, keySet, { ...common, algorithms: PUBLIC_KEY_ALGORITHMS })).payload
    for (const [index, key] of keys.entries()) {
      try {
        return (await jwtVerify(token, key, { ...common, algorithms: ['HS256'] })).payload
      } catch (error) {
        const isLast = index === keys.length - 1
        if (isLast || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }

  return async (token) => {
    try {
      return readClaims(await verify(token))
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      onRefused(error.message)
      return undefined
    }
  }
}

/** Clocks of servers differ a little. */
const TOLERANCE_SECONDS = 5

/** Never both kinds of algorithms at once: a public key must not pass for a secret. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

const LONGEST_USER = 256

function createKeySet(address: string): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(new URL(address))
  return async (header, token) => {
    try {
      return await keySet(header, token)
    } catch (error) {
      if (isFaultOfToken(error)) throw error
      throw new KeysUnavailable('The keys of tokens cannot be fetched from --auth-jwks.', { cause: error })
    }
  }
}

function isFaultOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}

/** Reads claims whose signature is good. What has another form than it should is refused, never passed over. */
function readClaims({ sub, jti, iat, exp, rooms, send }: JWTPayload): Rights {
  if (sub !== undefined && (sub === '' || sub.length > LONGEST_USER)) {
    throw new errors.JWTInvalid(`"sub" must have 1 to ${LONGEST_USER} characters`)
  }
  return {
    ...(sub !== undefined && { user: sub }),
    ...(jti !== undefined && { id: jti }),
    ...(iat !== undefined && { issued: iat * 1000 }),
    ...(exp !== undefined && { expires: (exp + TOLERANCE_SECONDS) * 1000 }),
    ...rightsWithin({ ...readPatterns('rooms', rooms), ...readPatterns('send', send) }),
  }
}

function readPatterns(name: 'rooms' | 'send', value: unknown): Scope {
  if (value === undefined) return {}
  if (Array.isArray(value) && value.every(isPattern)) return { [name]: value }
  throw new errors.JWTInvalid(`"${name}" must be a list of names, which may end with a star`)
}
