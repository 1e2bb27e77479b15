import type { IncomingMessage } from 'node:http'
import { mistakeKey, type AddressOf } from '../limits/addresses.js'
import { readBearerToken, createKeyring, type NamedKey } from '../access/keys.js'
import { createRateLimiter } from '../limits/rate-limit.js'
import { problem, type Reply } from './reply.js'

export interface AuthenticatorOptions<Key extends NamedKey> {
  readonly keys: readonly Key[]
  /** The option that gives the relay its keys. */
  readonly flag: string
  readonly addressOf: AddressOf
  /** A clock that never jumps, in milliseconds. @default performance.now */
  readonly now?: () => number
}

/** Finds the key of a request's Authorization header, or answers why there is none. */
export function createAuthenticator<Key extends NamedKey>({ keys, flag, addressOf, now }: AuthenticatorOptions<Key>) {
  const keyring = createKeyring(keys)
  const mistakes = createRateLimiter({ rate: 1, burst: 20, ...(now && { now }) })

  return (request: IncomingMessage): { readonly key: Key } | Reply => {
    if (keyring.isEmpty) return problem(403, 'no-keys', `This relay has no keys for this. Start it with ${flag}.`)
    const key = keyring.find(readBearerToken(request.headers.authorization))
    // A right key is never held up: somebody else's mistakes may come from the same proxy.
    if (key) return { key }
    const wait = mistakes.consume(mistakeKey(request, addressOf))
    if (wait > 0) {
      const retry = { 'Retry-After': `${Math.ceil(wait / 1000)}` }
      return problem(429, 'too-fast', 'Too many wrong keys came from there. Correct the key.', retry)
    }
    const text = `Send the header Authorization: Bearer <secret> with the secret of one of ${flag}.`
    return problem(401, 'wrong-key', text, { 'WWW-Authenticate': 'Bearer' })
  }
}
