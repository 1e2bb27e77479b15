import type { ServerResponse } from 'node:http'

/** A response to a request, as a value. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A function writes the body itself, and ends the response. */
  readonly body: string | Buffer | ((response: ServerResponse) => void)
  /** The code and the text of an error reply. */
  readonly error?: { readonly code: string; readonly text: string }
}

export function json(status: number, value: unknown, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(value),
  }
}

/** Returns an error reply. The text names the remedy. */
export function problem(status: number, code: string, text: string, headers: Reply['headers'] = {}): Reply {
  const error = { code, text }
  return { ...json(status, { error }, headers), error }
}

/** Returns a redirect. A relative path holds behind every prefix of a proxy. */
export function redirect(path: string): Reply {
  return { status: 303, headers: { Location: path }, body: '' }
}

export function withHeaders(reply: Reply, headers: Reply['headers']): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } }
}

export function writeReply(response: ServerResponse, { status, headers, body }: Reply): void {
  const common = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }
  if (typeof body === 'function') {
    response.writeHead(status, { ...common, ...headers })
    return body(response)
  }
  response.writeHead(status, { ...common, ...headers, 'Content-Length': Buffer.byteLength(body) })
  // Node omits the body where the status or the method allows none.
  response.end(body)
}
