import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { decodeSend, isPageId } from '../../../src/protocol/codec.js'
import { publicTab, TOKEN_FAULTS, type Access } from '../access/access.js'
import type { AddressOf } from '../limits/client-address.js'
import { createAuthenticator } from './authenticate.js'
import type { BodyReader } from './body.js'
import { prepareSignal, isRefusal, publishSignal, type Principal } from '../access/prepare-signal.js'
import type { PublishKey } from '../access/keys.js'
import type { NewEntry } from '../signal-log/log.js'
import type { RetryingLog } from '../signal-log/retry.js'
import type { RateLimiter } from '../limits/rate-limit.js'
import { SenderEpochs } from '../signal-log/sender-epochs.js'
import { json, problem, type Reply } from './reply.js'
import { rightsWithin } from '../access/rights.js'
import { readId } from '../access/claims.js'

const IDEMPOTENCY_KEY = /^[\w-]{1,64}$/

const FIELDS = new Set(['signal', 'data', 'room'])

export interface PostsOptions {
  readonly access: Access
  readonly publishKeys: readonly PublishKey[]
  readonly log: RetryingLog
  /** Reads the bodies of backends with a valid key. */
  readonly bodies: BodyReader
  /** Reads the bodies of pages. */
  readonly publicBodies: BodyReader
  /** The largest body (bytes). */
  readonly maxBytes: number
  readonly addressOf: AddressOf
  /** Limits the farewell signals of each address. */
  readonly farewellLimiter: RateLimiter
}

/** Accepts signals over HTTP: from backends that publish, and from pages that are leaving. */
export interface Posts {
  publish(request: IncomingMessage): Promise<Reply>
  farewell(request: IncomingMessage): Promise<Reply>
}

export function createPosts(options: PostsOptions): Posts {
  const { access, log, bodies, publicBodies, maxBytes, addressOf, farewellLimiter } = options
  const authenticate = createAuthenticator({ keys: () => options.publishKeys, flag: '--publish-key', addressOf })

  async function publish(request: IncomingMessage): Promise<Reply> {
    const authenticated = authenticate(request)
    if ('status' in authenticated) return authenticated
    const key = request.headers['idempotency-key'] ?? randomBytes(16).toString('base64url')
    if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
      return problem(400, 'bad-key', 'Idempotency-Key must be 1 to 64 letters, digits, - or _.')
    }
    const body = await bodies.json(request, ['application/json'], maxBytes)
    if ('status' in body) return body
    const items: readonly unknown[] = Array.isArray(body.value) ? body.value : [body.value]
    const entries = readEntries(items, authenticated.key, key)
    return Array.isArray(entries) ? appendAll(entries) : entries
  }

  async function appendAll(entries: readonly NewEntry[]): Promise<Reply> {
    for (const entry of entries) {
      if ((await log.append(entry)) !== 'conflict') continue
      return problem(409, 'conflict', 'This Idempotency-Key was used for another body. Use a new key for a new signal.')
    }
    return json(200, { ids: entries.map(({ id }) => id) })
  }

  /** Without this limit, farewells would bypass the rate limit of connections. */
  function refuseAddress(request: IncomingMessage, count: number): Reply | undefined {
    const address = addressOf(request)
    const wait = address === undefined ? 0 : farewellLimiter.consume(address, count)
    if (wait === 0) return undefined
    const headers = { 'Retry-After': `${Math.ceil(wait / 1000)}` }
    return problem(429, 'too-fast', 'Too many signals came from this address. Send this again, unchanged.', headers)
  }

  async function farewell(request: IncomingMessage): Promise<Reply> {
    const body = await publicBodies.json(request, ['application/json', 'text/plain'], maxBytes)
    if ('status' in body) return body
    const { v, tab, token, user, signals } = { ...(body.value as Record<string, unknown> | null) }
    const sends = Array.isArray(signals) ? signals.map(decodeSend) : []
    const isWhole =
      v === 1 && isPageId(tab) && isOptionalText(token) && (user === undefined || readId(user) !== undefined)
    if (!isWhole || !Array.isArray(signals) || !sends.every((send) => send !== undefined)) {
      return problem(
        400,
        'bad-data',
        'Send {"v": 1, "tab": …, "signals": [{"id": …, "signal": …}]}. PROTOCOL.md describes the format.',
      )
    }
    const tooFast = refuseAddress(request, 1 + sends.length)
    if (tooFast) return tooFast
    const rights = await access.rightsOf(token)
    if (typeof rights === 'string') {
      return problem(401, 'unauthorized', `Get a new token: ${TOKEN_FAULTS[rights]}.`)
    }
    if (user !== undefined && readId(user) !== rights.user) {
      return problem(
        401,
        'unauthorized',
        "The token and the signals belong to different users. Send the token of the signals' user.",
      )
    }
    const sender = { tab: publicTab(tab), ...(rights.user !== undefined && { user: rights.user }) }
    const principal: Principal = { sender, rights, isValidId: isPageId, epochs: new SenderEpochs() }
    const accepted: string[] = []
    const refused: unknown[] = []
    for (const send of sends) {
      const refusal = await publishSignal(send, principal, log)
      if (refusal) refused.push({ id: send.id, ...refusal })
      else accepted.push(send.id)
    }
    return json(200, { accepted, refused })
  }

  return { publish, farewell }
}

/** Prepares all signals of a request before any is logged: one invalid signal rejects the request. */
function readEntries(items: readonly unknown[], publisher: PublishKey, key: string): NewEntry[] | Reply {
  if (items.length === 0) return problem(400, 'bad-data', 'The list is empty. Send at least one signal.')
  const { name: server } = publisher
  const rights = rightsWithin(publisher)
  const principal: Principal = { sender: { server }, rights, isValidId: () => true, epochs: new SenderEpochs() }
  const entries: NewEntry[] = []
  for (const [index, item] of items.entries()) {
    // An idempotency key contains no dot, so no other request can have the ids of this list.
    const id = index === 0 ? `${server}:${key}` : `${server}:${key}.${index}`
    const send = decodeSend({ ...contentOf(item), id })
    const where = items.length > 1 ? `Signal ${index + 1} of ${items.length}: ` : ''
    const unknown = unknownField(item)
    if (!send || unknown !== undefined) {
      const wrong = send ? `Unknown field "${unknown}". ` : ''
      return problem(400, 'bad-data', `${where}${wrong}Send {"signal": "Name", "data": …, "room": …}.`)
    }
    const entry = prepareSignal(send, principal)
    if (isRefusal(entry)) return problem(entry.code === 'denied' ? 403 : 400, entry.code, `${where}${entry.text}`)
    entries.push(entry)
  }
  // Validate first: data that is nested too deeply cannot be serialized.
  const digest = createHash('sha256')
    .update(JSON.stringify(items.map(contentOf)))
    .digest('base64url')
  return entries.map(({ room, id, prefix, epochs }) => ({ room, id, prefix, epochs, digest }))
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function contentOf(item: unknown): { readonly signal?: unknown; readonly data?: unknown; readonly room?: unknown } {
  const { signal, data, room } = { ...(item as Record<string, unknown> | null) }
  return { signal, data, room }
}

/** Returns an unknown field, because a misspelt one would be ignored silently. */
function unknownField(item: unknown): string | undefined {
  const unknown = Object.keys({ ...(item as object | null) }).find((key) => !FIELDS.has(key))
  return unknown?.slice(0, 64)
}
