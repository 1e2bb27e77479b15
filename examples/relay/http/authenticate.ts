import type { IncomingMessage } from 'node:http'
import { mistakeKey, type AddressOf } from '../limits/client-address.js'
import { readBearerToken, createKeyring, type Keyring, type NamedKey } from '../access/keys.js'
import { createRateLimiter } from '../limits/rate-limit.js'
import { unshared, type ShareChanges } from '../limits/shared-changes.js'
import { problem, type Reply } from './reply.js'

export interface AuthenticatorOptions<Key extends NamedKey> {
  readonly keys: () => readonly Key[]
  /** The command-line option that sets the keys. */
  readonly flag: string
  readonly addressOf: AddressOf
  /** Limits the mistakes of several processes together. */
  readonly share?: ShareChanges
  /** Monotonic clock (ms). @default performance.now */
  readonly now?: () => number
}

/** Returns the key of a request, or an error reply. */
export type Authenticate<Key> = (request: IncomingMessage) => { readonly key: Key } | Reply

/** Returns the key of a request's Authorization header, or an error reply. */
export function createAuthenticator<Key extends NamedKey>(options: AuthenticatorOptions<Key>): Authenticate<Key> {
  const { keys, flag, addressOf, share = unshared, now } = options
  let known = keys()
  let present = createKeyring(known)
  const mistakes = createRateLimiter({ rate: 1, burst: 20, ...(now && { now }) }, share)

  function currentKeyring(): Keyring<Key> {
    const latest = keys()
    if (latest !== known) present = createKeyring(latest)
    known = latest
    return present
  }

  return (request) => {
    const keyring = currentKeyring()
    if (keyring.isEmpty) return problem(403, 'no-keys', `No key is configured for this. Start the relay with ${flag}.`)
    const key = keyring.find(readBearerToken(request.headers.authorization))
    // Valid keys are never rate limited: wrong ones may come from the same proxy.
    if (key) return { key }
    const wait = mistakes.consume(mistakeKey(request, addressOf))
    if (wait > 0) {
      const retry = { 'Retry-After': `${Math.ceil(wait / 1000)}` }
      return problem(429, 'too-fast', 'Too many wrong keys came from this address. Correct the key.', retry)
    }
    const text = `Send the header Authorization: Bearer <secret> with a secret of ${flag}.`
    return problem(401, 'wrong-key', text, { 'WWW-Authenticate': 'Bearer' })
  }
}
