import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { parse } from '../../../src/protocol/codec.js'
import type { AddressOf } from '../limits/client-address.js'
import { createConcurrencyLimit } from '../limits/concurrency.js'
import { problem, type Reply } from './reply.js'

const CLOSE = { Connection: 'close' }

const TOO_MANY = problem(
  429,
  'too-many',
  'Too many requests from this address are in progress. Send this again later.',
  {
    ...CLOSE,
    'Retry-After': '5',
  },
)

const FULL = problem(503, 'busy', 'Too many requests are in progress. Send this again, unchanged.', {
  ...CLOSE,
  'Retry-After': '5',
})

/** Memory of a chunk besides its bytes: a body may arrive byte by byte. */
const CHUNK_BYTES = 256

/** The client disconnected before the end of its body. No reply is possible. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

/** Reads request bodies within a memory limit. A body that cannot be accepted gives an error reply. */
export interface BodyReader {
  /** Reads JSON of one of the given content types. */
  json(
    request: IncomingMessage,
    types: readonly string[],
    maxBytes: number,
  ): Promise<{ readonly value: unknown } | Reply>
  /** Reads the fields of a form. Returns `undefined` for another content type. */
  form(request: IncomingMessage, maxBytes: number): Promise<URLSearchParams | Reply | undefined>
}

export interface BodyReaderOptions {
  /** Maximum memory of all bodies in progress (bytes). */
  readonly maxTotal: number
  /** Bodies in progress per address. @default no limit */
  readonly maxPerAddress?: number
  readonly addressOf: AddressOf
}

export function createBodyReader({ maxTotal, maxPerAddress = Infinity, addressOf }: BodyReaderOptions): BodyReader {
  const addresses = createConcurrencyLimit(maxPerAddress)
  let total = 0

  async function read(request: IncomingMessage, maxBytes: number): Promise<Buffer | Reply> {
    if (Number(request.headers['content-length'] ?? 0) > 2 * maxBytes) return tooLarge(maxBytes)
    const address = addressOf(request)
    if (address !== undefined && !addresses.acquire(address)) return TOO_MANY
    let reserved = 0
    const reserve = (bytes: number): boolean => {
      if (total + bytes > maxTotal) return false
      reserved += bytes
      total += bytes
      return true
    }
    try {
      return await collect(request, maxBytes, reserve)
    } finally {
      total -= reserved
      if (address !== undefined) addresses.release(address)
    }
  }

  return {
    async json(request, types, maxBytes) {
      if (!types.includes(typeOf(request))) {
        return problem(415, 'wrong-type', `Send the body with the header Content-Type: ${types[0]}.`, CLOSE)
      }
      const bytes = await read(request, maxBytes)
      if ('status' in bytes) return bytes
      const text = isUtf8(bytes) ? bytes.toString() : ''
      if (!isJson(text)) return problem(400, 'bad-json', 'The body is not JSON in UTF-8.')
      // Wrapped in an object, because the codec parses objects only, and it removes unsafe keys.
      return { value: parse(`{"body":${text}}`)?.body }
    },
    async form(request, maxBytes) {
      if (typeOf(request) !== 'application/x-www-form-urlencoded') return undefined
      const bytes = await read(request, maxBytes)
      return 'status' in bytes ? bytes : new URLSearchParams(bytes.toString())
    },
  }
}

function tooLarge(maxBytes: number): Reply {
  return problem(413, 'too-large', `The body must not exceed ${maxBytes} bytes. Send less, or several requests.`, CLOSE)
}

function typeOf({ headers }: IncomingMessage): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
}

/** @param reserve Reserves memory (bytes). Returns false when none is left. */
function collect(
  request: IncomingMessage,
  maxBytes: number,
  reserve: (bytes: number) => boolean,
): Promise<Buffer | Reply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let isRefused = false
    const refuse = (reply: Reply): void => {
      isRefused = true
      chunks.length = 0
      resolve(reply)
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      // Read slightly oversized bodies to the end, so that the client receives the 413.
      if (size > 2 * maxBytes) request.destroy()
      if (isRefused) return
      if (size > maxBytes) return refuse(tooLarge(maxBytes))
      if (!reserve(chunk.length + CHUNK_BYTES)) return refuse(FULL)
      chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', () => reject(new ClientGone()))
    request.on('close', () => reject(new ClientGone()))
  })
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
