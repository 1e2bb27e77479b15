import { call } from '../../page/dom.js'
import { isSignalError } from '../../errors.js'
import { failure } from '../failure.js'
import { parseHtml } from './parse-html.js'

/** How long a response may take, and how long after its start a fetch may be shared (ms). */
const TIME_LIMIT = 30_000

interface Fetching {
  readonly startedAt: number
  readonly content: Promise<DocumentFragment>
  readonly controller: AbortController
  users: number
}

const fetches = new Map<string, Fetching>()

/**
 * Fetches the content of a page or fragment, no older than `changedAt` (as `performance.now()`). Simultaneous callers share
 * one fetch, which is aborted when the last caller has left. Callers must clone the nodes that they use.
 *
 * @throws SignalError `refresh-failed`.
 */
export async function fetchContent(url: string, changedAt: number, signal: AbortSignal): Promise<DocumentFragment> {
  const oldest = Math.max(changedAt, performance.now() - TIME_LIMIT)
  for (const [other, { startedAt }] of fetches) if (startedAt < oldest) fetches.delete(other)
  const fetching = fetches.get(url) ?? start(url)
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

function start(url: string): Fetching {
  const controller = new AbortController()
  const fetching = { startedAt: performance.now(), content: load(url, controller), controller, users: 0 }
  fetches.set(url, fetching)
  fetching.content.catch(() => fetches.get(url) === fetching && fetches.delete(url))
  return fetching
}

async function load(url: string, controller: AbortController): Promise<DocumentFragment> {
  const timer = setTimeout(() => controller.abort(failure('The refresh took too long')), TIME_LIMIT)
  try {
    const response = await fetch(url, {
      headers: { Accept: 'text/html' },
      // The cached response may be older than the signal.
      cache: 'no-cache',
      signal: controller.signal,
    })
    const problem = findProblem(url, response)
    if (problem) throw failure(`The response ${problem}`)
    const content = parseHtml(await response.text())
    if (originOf(url) !== location.origin) removeAttributes(content)
    return content
  } catch (cause) {
    // All callers of a shared fetch get the same error object.
    throw isSignalError(cause) ? cause : failure('A refresh failed', cause)
  } finally {
    clearTimeout(timer)
  }
}

function findProblem(url: string, response: Response): string | undefined {
  if (!response.ok) return `has status ${response.status}`
  if (!response.headers.get('Content-Type')?.includes('html')) return 'is not HTML'
  if (response.redirected && pageOf(response.url) !== pageOf(url)) return 'is another page: is the user signed out?'
  return undefined
}

/** Another origin's HTML must not send signals or cause refreshes. */
function removeAttributes(content: DocumentFragment): void {
  for (const element of content.querySelectorAll('*')) {
    const names = call(element, 'getAttributeNames').filter((name) => name.startsWith('data-signal-'))
    for (const name of names) call(element, 'removeAttribute', name)
  }
}

function originOf(url: string): string {
  return new URL(url).origin
}

function pageOf(url: string): string {
  return originOf(url) + new URL(url).pathname.replace(/\/$/, '')
}
