import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { parse } from '../../../src/protocol/codec.js'
import { problem, type Reply } from './reply.js'

/** The client went away before its body was whole: nobody's fault, and nobody waits for an answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

/** Reads a JSON body of one of the given types. What is wrong with it comes back as the answer. */
export async function readJson(
  request: IncomingMessage,
  types: readonly string[],
  maxBytes: number,
): Promise<{ readonly value: unknown } | Reply> {
  if (!types.includes(typeOf(request))) {
    return problem(415, 'wrong-type', `Send the body with the header Content-Type: ${types[0]}.`, CLOSE)
  }
  const bytes = await readBytes(request, maxBytes)
  if (!bytes) {
    return problem(413, 'too-large', `The body may have ${maxBytes} bytes. Send less, or several requests.`, CLOSE)
  }
  const text = isUtf8(bytes) ? bytes.toString() : ''
  if (!isJson(text)) return problem(400, 'bad-json', 'The body is not JSON in UTF-8.')
  // Wrapped, because the protocol's own reader, which knows what to keep out, reads objects only.
  return { value: parse(`{"body":${text}}`)?.body }
}

/** Reads the fields of a form; `undefined` when they are too many or of another type. */
export async function readForm(request: IncomingMessage, maxBytes: number): Promise<URLSearchParams | undefined> {
  if (typeOf(request) !== 'application/x-www-form-urlencoded') return undefined
  const bytes = await readBytes(request, maxBytes)
  return bytes && new URLSearchParams(bytes.toString())
}

const CLOSE = { Connection: 'close' }

function typeOf({ headers }: IncomingMessage): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
}

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > 2 * maxBytes) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) return void chunks.push(chunk)
      chunks.length = 0
      resolve(undefined)
      // A little too much is read to its end, so that the answer gets through; a lot is not.
      if (size > 2 * maxBytes) request.destroy()
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
