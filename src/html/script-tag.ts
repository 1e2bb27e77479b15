import { createSignalClient } from '../client.js'
import { getPageClient, receiveSignal, sendSignal } from '../page-client.js'
import type { RefreshTexts } from '../refresh/indicator/notice.js'
import { readMeta } from '../page/meta.js'
import type { Token } from '../signals.js'
import { bindHtml } from './bind-html.js'

/**
 * Runs a script tag: it follows the attributes of the page. With `data-url` it connects (empty: to the default address),
 * unless the page has a client. With `data-globals` it makes `sendSignal` and `receiveSignal` global. `data-text-changed`,
 * `-refresh`, `-failed` and `-retry` are the texts of the hint; `data-spread` and `data-origins` are options of refreshes.
 * `<meta name="signalpost-token">` contains the token; `data-token-url` returns fresh ones as plain text.
 */
export function runScriptTag(script: HTMLOrSVGScriptElement | null): void {
  const { url, globals, origins, tokenUrl, spread, textChanged, textRefresh, textFailed, textRetry } =
    script?.dataset ?? {}
  if (globals !== undefined) Object.assign(globalThis, { sendSignal, receiveSignal })
  const texts = { changed: textChanged, refresh: textRefresh, failed: textFailed, retry: textRetry }
  // An undefined text means the default text.
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
    // In a microtask, because the rest of the script tag works without a connection.
    queueMicrotask(() => {
      throw error
    })
  }
}

function createToken(url: string | undefined): Token | undefined {
  // Read before every connection: the page may have set a fresh token.
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
  // Servers redirect signed-out users to a page, which is no token.
  if (!response.ok || response.redirected) throw new Error(`There is no token at ${url} (${response.status}).`)
  return (await response.text()).trim()
}
