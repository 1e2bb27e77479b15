import { createSignalClient } from '../client.js'
import { getPageClient, receiveSignal, sendSignal } from '../page-client.js'
import { bindHtml } from './bind-html.js'

/**
 * What a script tag does by itself: it follows the attributes of the page, with `data-url` it connects (empty: to the usual
 * address) unless the page has a client, and with `data-globals` it makes `sendSignal` and `receiveSignal` global.
 */
export function runScriptTag(script: HTMLOrSVGScriptElement | null): void {
  const { url, globals } = script?.dataset ?? {}
  if (globals !== undefined) Object.assign(globalThis, { sendSignal, receiveSignal })
  bindHtml()
  if (url !== undefined && !getPageClient()) connect(url)
}

function connect(url: string): void {
  try {
    createSignalClient({ ...(url && { url }), ...(findToken() && { token: () => findToken()?.content ?? '' }) })
  } catch (error) {
    // In a task of its own: the rest of the script tag works without a connection.
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Looked up before every connection: the page may have put a fresh one there. */
function findToken(): HTMLMetaElement | null {
  return document.querySelector('meta[name="signalpost-token"]')
}
