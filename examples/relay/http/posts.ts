import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { decodeSend, isPageId } from '../../../src/protocol/codec.js'
import { publicTab, TOKEN_FAULTS, type Access } from '../access/access.js'
import type { AddressOf } from '../limits/client-address.js'
import type { Authenticate } from './authenticate.js'
import type { BodyReader } from './body.js'
import { isRefusal, prepareSignal, type Principal } from '../access/prepare-signal.js'
import type { PublishKey } from '../access/keys.js'
import type { NewEntry } from '../signal-log/log.js'
import type { RetryingLog } from '../signal-log/retry.js'
import type { RateLimiter } from '../limits/rate-limit.js'
import { SenderEpochs } from '../signal-log/sender-epochs.js'
import { readPublication, withResults } from './publication.js'
import { json, problem, type Reply } from './reply.js'
import { isTemporary, UNAVAILABLE } from './unavailable.js'
import { readId } from '../access/claims.js'
import type { OpenStream } from './streams.js'

const IDEMPOTENCY_KEY = /^[\w-]{1,64}$/

/** The envelope of a request, with its token, comes on top of the largest frame (bytes). */
const ENVELOPE = 16_384

const CONFLICT = problem(
  409,
  'conflict',
  'This Idempotency-Key was used for another body. Use a new key for a new signal.',
)

export interface PostsOptions {
  readonly access: Access
  /** Recognizes backends. */
  readonly authenticate: Authenticate<PublishKey>
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
  readonly openStream: OpenStream
}

/** Accepts signals over HTTP: from backends that publish, and from pages that are leaving or have no WebSockets. */
export interface Posts {
  publish(request: IncomingMessage): Promise<Reply>
  /** Accepts signals, or answers a hello with the frames of a connection. */
  fromPage(request: IncomingMessage): Promise<Reply>
}

export function createPosts(options: PostsOptions): Posts {
  const { access, authenticate, log, bodies, publicBodies, maxBytes, addressOf, farewellLimiter, openStream } = options

  async function publish(request: IncomingMessage): Promise<Reply> {
    const authenticated = authenticate(request)
    if ('status' in authenticated) return authenticated
    const key = request.headers['idempotency-key'] ?? randomBytes(16).toString('base64url')
    if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
      return problem(400, 'bad-key', 'Idempotency-Key must be 1 to 64 letters, digits, - or _.')
    }
    const body = await bodies.json(request, ['application/json'], maxBytes)
    if ('status' in body) return body
    const entries = readPublication(body.value, authenticated.key, key)
    return Array.isArray(entries) ? appendAll(entries, Array.isArray(body.value)) : entries
  }

  async function appendAll(entries: readonly NewEntry[], isList: boolean): Promise<Reply> {
    for (const [index, entry] of entries.entries()) {
      const failure = await tryAppend(entry)
      if (!failure) continue
      const { error = { code: '', text: '' } } = failure
      return isList
        ? withResults(
            failure,
            entries.map(({ id }, other) => (other < index ? { id } : error)),
          )
        : failure
    }
    return json(200, { ids: entries.map(({ id }) => id) })
  }

  async function tryAppend(entry: NewEntry): Promise<Reply | undefined> {
    try {
      const [result] = await log.append([entry])
      return result === 'conflict' ? CONFLICT : undefined
    } catch (error) {
      if (isTemporary(error)) return UNAVAILABLE
      throw error
    }
  }

  /** Without this limit, farewells would bypass the rate limit of connections. */
  function refuseAddress(request: IncomingMessage, count: number): Reply | undefined {
    const address = addressOf(request)
    const wait = address === undefined ? 0 : farewellLimiter.consume(address, count)
    if (wait === 0) return undefined
    const headers = { 'Retry-After': `${Math.ceil(wait / 1000)}` }
    return problem(429, 'too-fast', 'Too many signals came from this address. Send this again, unchanged.', headers)
  }

  async function fromPage(request: IncomingMessage): Promise<Reply> {
    const body = await publicBodies.json(request, ['application/json', 'text/plain'], maxBytes + ENVELOPE)
    if ('status' in body) return body
    const fields = { ...(body.value as Record<string, unknown> | null) }
    return fields.type === 'hello' ? stream(request, fields) : farewell(request, fields)
  }

  function stream(request: IncomingMessage, { wait, ...hello }: Readonly<Record<string, unknown>>): Reply {
    const refusal = refuseAddress(request, 1)
    if (refusal) return refusal
    return openStream({ hello, wait: typeof wait === 'number' ? wait : undefined, address: addressOf(request) })
  }

  async function farewell(request: IncomingMessage, fields: Readonly<Record<string, unknown>>): Promise<Reply> {
    const { v, tab, token, user, signals } = fields
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
      const entry = prepareSignal(send, principal)
      if (isRefusal(entry)) {
        refused.push({ id: send.id, ...entry })
        continue
      }
      await log.append([entry])
      accepted.push(send.id)
    }
    return json(200, { accepted, refused })
  }

  return { publish, fromPage }
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
