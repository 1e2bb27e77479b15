import type { IncomingMessage } from 'node:http'
import { readJson } from './body.js'
import { bearerOf, createKeyring } from '../access/keys.js'
import { json, problem, type Reply } from './reply.js'
import { readRevocation, type Revocation } from '../access/revocations.js'

export interface RevokeRequestsOptions {
  /** Secrets that may take rights back. */
  readonly secrets: readonly string[]
  /** The largest body, in bytes. */
  readonly maxBytes: number
  /** Takes rights back on all instances. */
  readonly revoke: (revocation: Revocation) => Promise<void>
}

/** Takes back tokens at the request of a backend. */
export function createRevokeRequests({ secrets, maxBytes, revoke }: RevokeRequestsOptions) {
  const keyring = createKeyring(secrets.map((secret) => ({ name: 'revoke', secret })))

  return async (request: IncomingMessage): Promise<Reply> => {
    if (keyring.isEmpty) {
      return problem(403, 'no-keys', 'This relay takes no tokens back. Start it with --revoke-key.')
    }
    if (!keyring.find(bearerOf(request.headers.authorization))) {
      const text = 'Send the header Authorization: Bearer <secret> with the secret of one of --revoke-key.'
      return problem(401, 'wrong-key', text, { 'WWW-Authenticate': 'Bearer' })
    }
    const body = await readJson(request, ['application/json'], maxBytes)
    if ('status' in body) return body
    const revocation = readRevocation(body.value)
    if (!revocation) {
      return problem(400, 'bad-data', 'Send {"user": …}, the "sub" of tokens, or {"token": …}, the "jti" of one.')
    }
    await revoke(revocation)
    return json(200, { revoked: revocation })
  }
}
