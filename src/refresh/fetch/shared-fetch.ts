import { call, read } from '../../page/dom.js'
import { isSignalError, type SignalError } from '../../errors.js'
import { failure } from '../failure.js'
import { parseHtml } from './parse-html.js'

/** How long a response may take, and how long after its start a fetch may be shared (ms). */
const TIME_LIMIT = 30_000

/** Frameworks do not record a request with this header as a visit of the page. */
const SCRIPTED = { 'X-Requested-With': 'XMLHttpRequest' }

export interface FetchOptions {
  /**
   * The headers of requests to the page's own origin, beside `Accept`.
   * @default { 'X-Requested-With': 'XMLHttpRequest' }
   */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface ContentRequest {
  readonly url: string
  /** Makes the request a POST, which is not shared. */
  readonly body?: FormData | URLSearchParams
}

interface Fetching {
  readonly startedAt: number
  readonly content: Promise<ParentNode>
  readonly controller: AbortController
  users: number
}

const fetches = new Map<string, Fetching>()

/** The errors of addresses that told a signed-out user to sign in. Until the page is used, they would do so again. */
const signedOut = new Map<string, SignalError>()

/**
 * Fetches the content of a page or fragment, no older than `changedAt` (as `performance.now()`). Simultaneous callers share
 * one fetch, which is aborted when the last caller has left. Callers must clone the nodes that they use. An address whose
 * response shows that the user is signed out is requested again only after the user has clicked or typed.
 *
 * @throws SignalError `refresh-failed`.
 */
export async function fetchContent(
  request: ContentRequest,
  changedAt: number,
  signal: AbortSignal,
  { headers = SCRIPTED }: FetchOptions,
): Promise<ParentNode> {
  const problem = signedOut.get(request.url)
  if (problem) throw problem
  const key = request.url + JSON.stringify(headers)
  const oldest = Math.max(changedAt, performance.now() - TIME_LIMIT)
  for (const [other, { startedAt }] of fetches) if (startedAt < oldest) fetches.delete(other)
  const fetching = (!request.body && fetches.get(key)) || start(key, request, headers)
  const leave = (): void => {
    fetching.users -= 1
    if (fetching.users === 0) fetching.controller.abort()
  }
  fetching.users += 1
  signal.addEventListener('abort', leave)
  try {
    return await fetching.content
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function start(key: string, request: ContentRequest, headers: HeadersInit): Fetching {
  const controller = new AbortController()
  const fetching = { startedAt: performance.now(), content: load(request, headers, controller), controller, users: 0 }
  if (!request.body) fetches.set(key, fetching)
  fetching.content.catch(() => fetches.get(key) === fetching && fetches.delete(key))
  return fetching
}

async function load(
  { url, body }: ContentRequest,
  headers: HeadersInit,
  controller: AbortController,
): Promise<ParentNode> {
  const isOwn = new URL(url).origin === location.origin
  const timer = setTimeout(() => controller.abort(failure('The refresh took too long')), TIME_LIMIT)
  try {
    const response = await fetch(url, {
      // Another origin would have to allow each header.
      headers: { ...(isOwn && headers), Accept: 'text/html' },
      // The cached response may be older than the signal.
      cache: 'no-cache',
      ...(body && { method: 'POST', body }),
      signal: controller.signal,
    })
    checkResponse(url, response)
    const content = await parseResponse(response)
    if (!isOwn) removeAttributes(content)
    return content
  } catch (cause) {
    // All callers of a shared fetch get the same error object.
    throw isSignalError(cause) ? cause : failure('A refresh failed', cause)
  } finally {
    clearTimeout(timer)
  }
}

/** @throws SignalError `refresh-failed` if the response is no HTML, or of another page. */
function checkResponse(url: string, response: Response): void {
  const { ok, status, redirected } = response
  const isElsewhere = redirected && ![url, location.href].map(pageOf).includes(pageOf(response.url))
  const problems = [
    !ok && `has status ${status}`,
    !/html/i.test(typeOf(response)) && 'is not HTML',
    isElsewhere && 'is another page: is the user signed out?',
  ]
  const problem = problems.find(Boolean)
  if (!problem) return
  const error = failure(`The response ${problem}`)
  if (isElsewhere || status === 401) {
    signedOut.set(url, error)
    for (const type of ['pointerdown', 'keydown'])
      addEventListener(type, () => signedOut.clear(), { capture: true, once: true })
  }
  throw error
}

async function parseResponse(response: Response): Promise<ParentNode> {
  const type = typeOf(response)
  // As a browser decodes a page without an encoding of its own.
  const encoding = /charset="?([^\s;"]+)/i.exec(type)?.[1] ?? read(document, 'characterSet')
  return parseHtml(new TextDecoder(encoding).decode(await response.arrayBuffer()), type)
}

function typeOf({ headers }: Response): string {
  return headers.get('Content-Type') ?? ''
}

/** Another origin's HTML must not send signals or cause refreshes. */
function removeAttributes(content: ParentNode): void {
  for (const element of content.querySelectorAll('*')) {
    const names = call(element, 'getAttributeNames').filter((name) => name.startsWith('data-signal-'))
    for (const name of names) call(element, 'removeAttribute', name)
  }
}

function pageOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname.replace(/\/$/, '')
}
