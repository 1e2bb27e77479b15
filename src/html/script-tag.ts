import { createSignalClient } from '../client.js'
import { getPageClient, receiveSignal, sendSignal } from '../page-client.js'
import type { RefreshTexts } from '../refresh/indicator/notice.js'
import { readMeta } from '../page/meta.js'
import type { Token } from '../signals.js'
import { bindHtml } from './bind-html.js'

/**
 * What a script tag does by itself: it follows the attributes of the page, with `data-url` it connects (empty: to the usual
 * address) unless the page has a client, and with `data-globals` it makes `sendSignal` and `receiveSignal` global. The hint
 * says `data-text-changed`, `-refresh`, `-failed` and `-retry`; refreshes have `data-spread`, and take HTML from
 * `data-origins`, too. The token is in
 * `<meta name="signalpost-token">`; `data-token-url` is where fresh ones come from, as plain text.
 */
export function runScriptTag(script: HTMLOrSVGScriptElement | null): void {
  const { url, globals, origins, tokenUrl, spread, textChanged, textRefresh, textFailed, textRetry } =
    script?.dataset ?? {}
  if (globals !== undefined) Object.assign(globalThis, { sendSignal, receiveSignal })
  const texts = { changed: textChanged, refresh: textRefresh, failed: textFailed, retry: textRetry }
  // A text that is undefined is the default one.
  bindHtml({
    refresh: { texts: texts as RefreshTexts, spread: Number(spread) || 0 },
    origins: origins?.match(/[^\s,]+/g) ?? [],
  })
  if (url !== undefined && !getPageClient()) connect(url, createToken(tokenUrl))
}

function connect(url: string, token: Token | undefined): void {
  try {
    createSignalClient({ url, ...(token && { token }) })
  } catch (error) {
    // In a task of its own: the rest of the script tag works without a connection.
    queueMicrotask(() => {
      throw error
    })
  }
}

function createToken(url: string | undefined): Token | undefined {
  // Looked up before every connection: the page may have put a fresh one there.
  if (url === undefined) return findToken() && (() => findToken() ?? '')
  let unused = findToken()
  return () => {
    const token = unused ?? fetchToken(url)
    unused = undefined
    return token
  }
}

function findToken(): string | undefined {
  return readMeta('token')
}

async function fetchToken(url: string): Promise<string> {
  const response = await fetch(url, { cache: 'no-store' })
  // Whoever is signed out is led to a page, which is no token.
  if (!response.ok || response.redirected) throw new Error(`There is no token at ${url} (${response.status}).`)
  return (await response.text()).trim()
}
