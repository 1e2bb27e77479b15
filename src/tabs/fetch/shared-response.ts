/** A response as a message: `Response` objects cannot be posted. */
export interface SharedResponse {
  readonly status: number
  /** The address after redirects. */
  readonly url: string
  readonly redirected: boolean
  readonly headers: [name: string, value: string][]
  readonly bytes: ArrayBuffer
}

export async function packResponse(response: Response): Promise<SharedResponse> {
  const { status, url, redirected, headers } = response
  return { status, url, redirected, headers: [...headers], bytes: await response.arrayBuffer() }
}

/** Returns a response with the same facts as the packed one. */
export function unpackResponse({ status, url, redirected, headers, bytes }: SharedResponse): Response {
  // Some statuses allow no body.
  const body = bytes.byteLength > 0 ? bytes : null
  const response = new Response(body, { status, headers })
  return Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } })
}
