import type { IncomingMessage } from 'node:http'
import type { AddressOf } from '../limits/client-address.js'
import type { NamedKey } from '../access/keys.js'
import { createAuthenticator } from './authenticate.js'
import type { BodyReader } from './body.js'
import type { ShareChanges } from '../limits/shared-changes.js'
import { json, problem, type Reply } from './reply.js'
import { readRevocation, REVOCATION_RULE, type Revocation } from '../access/revoked-tokens.js'

export interface RevokeRequestsOptions {
  /** Secrets that may revoke tokens. */
  readonly secrets: () => readonly string[]
  readonly bodies: BodyReader
  /** The largest body (bytes). */
  readonly maxBytes: number
  readonly addressOf: AddressOf
  /** Limits the mistakes of several processes together. */
  readonly share: ShareChanges
  /** Revokes tokens on all instances. */
  readonly revoke: (revocation: Revocation) => Promise<void>
}

/** Revokes tokens on behalf of backends. */
export function createRevokeRequests(options: RevokeRequestsOptions) {
  const { secrets, bodies, maxBytes, addressOf, share, revoke } = options
  let known = secrets()
  let named = known.map(nameOf)

  /** Returns the same list until the secrets change: the authenticator hashes only a new one. */
  function keys(): readonly NamedKey[] {
    const latest = secrets()
    if (latest !== known) named = latest.map(nameOf)
    known = latest
    return named
  }

  const authenticate = createAuthenticator({ keys, flag: '--revoke-key', addressOf, share })

  return async (request: IncomingMessage): Promise<Reply> => {
    const authenticated = authenticate(request)
    if ('status' in authenticated) return authenticated
    const body = await bodies.json(request, ['application/json'], maxBytes)
    if ('status' in body) return body
    const revocation = readRevocation(body.value)
    if (!revocation) return problem(400, 'bad-data', REVOCATION_RULE)
    await revoke(revocation)
    return json(200, { revoked: revocation })
  }
}

function nameOf(secret: string): NamedKey {
  return { name: 'revoke', secret }
}
