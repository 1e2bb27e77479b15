import { call, read } from '../../page/dom.js'
import { isSignalError, type SignalError } from '../../errors.js'
import type { RefreshContext } from '../action.js'
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
  /** Requests pages and fragments, for example `sharedFetch()` of `signalpost/tabs`. @default fetch */
  readonly fetch?: FetchFunction | undefined
}

/** Requests a page or fragment as `fetch()` does, or returns the fresh enough response to another request for it. */
export type FetchFunction = (url: string, init: RequestInit, needs: FetchNeeds) => Promise<Response>

/** How fresh a response has to be, and how long it is of use. */
export interface FetchNeeds {
  /**
   * When the last change arrived, as `performance.now()`: the request must start later. The value may rise before the
   * response is there.
   */
  readonly changedAt: number
  /**
   * When the request started at the earliest, as `performance.now()`. A function that returns the response to an earlier
   * request changes this value before it resolves. @default the time of the call
   */
  startedAt: number
  /** Aborts when the refresh is obsolete: after `stop()`, and when the client is closed. */
  readonly signal: AbortSignal
}

export interface ContentRequest {
  readonly url: string
  /** Makes the request a POST, which is not shared. */
  readonly body?: FormData | URLSearchParams
}

interface Fetching extends FetchNeeds {
  changedAt: number
  readonly content: Promise<ParentNode>
  readonly controller: AbortController
  users: number
}

const fetches = new Map<string, Fetching>()

/** The errors of addresses that told a signed-out user to sign in. Until the page is used, they would do so again. */
const signedOut = new Map<string, SignalError>()

/**
 * Fetches the content of a page or fragment, no older than the changes of the refresh. Simultaneous callers share one
 * fetch, which is aborted when the last caller has left. Callers must clone the nodes that they use. An address whose
 * response shows that the user is signed out is requested again only after the user has clicked or typed.
 *
 * @throws SignalError `refresh-failed`.
 */
export async function fetchContent(
  request: ContentRequest,
  refresh: Pick<RefreshContext, 'changedAt' | 'signal'>,
  signal: AbortSignal,
  options: FetchOptions,
): Promise<ParentNode> {
  const { headers = SCRIPTED } = options
  const problem = signedOut.get(request.url)
  if (problem) throw problem
  const key = request.url + JSON.stringify(headers)
  const oldest = Math.max(refresh.changedAt, performance.now() - TIME_LIMIT)
  for (const [other, { startedAt }] of fetches) if (startedAt < oldest) fetches.delete(other)
  const fetching = (!request.body && fetches.get(key)) || start(key, request, options, refresh)
  const leave = (): void => {
    fetching.users -= 1
    if (fetching.users === 0) fetching.controller.abort()
  }
  fetching.users += 1
  fetching.changedAt = Math.max(fetching.changedAt, refresh.changedAt)
  signal.addEventListener('abort', leave)
  try {
    return await fetching.content
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function start(
  key: string,
  request: ContentRequest,
  options: FetchOptions,
  refresh: Pick<RefreshContext, 'changedAt' | 'signal'>,
): Fetching {
  const state = { ...refresh, startedAt: performance.now(), controller: new AbortController(), users: 0 }
  const fetching = Object.assign(state, { content: load(request, options, state) })
  if (!request.body) fetches.set(key, fetching)
  fetching.content.catch(() => fetches.get(key) === fetching && fetches.delete(key))
  return fetching
}

async function load(
  { url, body }: ContentRequest,
  { headers = SCRIPTED, fetch: request = fetch }: FetchOptions,
  needs: FetchNeeds & Pick<Fetching, 'controller'>,
): Promise<ParentNode> {
  const isOwn = new URL(url).origin === location.origin
  const timer = setTimeout(() => needs.controller.abort(failure('The refresh took too long')), TIME_LIMIT)
  try {
    const init: RequestInit = {
      // Another origin would have to allow each header.
      headers: { ...(isOwn && headers), Accept: 'text/html' },
      // The cached response may be older than the signal.
      cache: 'no-cache',
      ...(body && { method: 'POST', body }),
      signal: needs.controller.signal,
    }
    const response = await request(url, init, needs)
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
