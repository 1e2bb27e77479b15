import { call, read } from '../page/dom.js'
import { SignalError } from '../errors.js'
import { isHtmlOlder, navigationEntry } from '../page/navigation-entry.js'
import { isLoadedByRefresh } from '../page/next-page-state.js'
import type { SignalClient } from '../signals.js'
import { watchInteractions } from './interactions.js'
import { Attribute, dataOf, isIgnored, namesIn, type Report, roomOf } from './attributes.js'

/** Marks a `<meta data-signal-send>` whose signals were sent. */
const SENT = 'data-signal-sent'

export interface SendingOptions {
  readonly root: Document | Element
  readonly getClient: () => SignalClient | undefined
  readonly report: Report
  /** Stops the sending when it aborts. */
  readonly signal: AbortSignal
}

/**
 * Sends the signals of clicked elements and submitted forms, just before the browser or a library acts. An event that the
 * page cancels sends nothing. The returned function sends the signals of `<meta data-signal-send>`, once for each answer
 * of the server. It skips them when a refresh loaded the page: nothing was saved, and two pages would trigger each other for ever.
 */
export function sendFromElements({ root, getClient, report, signal }: SendingOptions): () => void {
  // The user came back to an answer of the server that was here before.
  const isKept = navigationEntry().type === 'back_forward' && isHtmlOlder()
  let skipsMeta = isKept || isLoadedByRefresh()

  function send(element: Element): void {
    try {
      const client = getClient()
      if (!client) throw new SignalError('no-client', 'Put data-url on the script tag, or call createSignalClient().')
      const data = dataOf(element)
      for (const name of namesIn(element, Attribute.Send)) void client.sendSignal(name, data, { room: roomOf(element) })
    } catch (error) {
      report(element, error)
    }
  }

  const sends = (node: EventTarget | null | undefined): node is Element =>
    node instanceof Element &&
    call(node, 'hasAttribute', Attribute.Send) &&
    call(root, 'contains', node) &&
    !isIgnored(node)

  watchInteractions(root, sends, send, signal)
  return () => {
    for (const element of call(root, 'querySelectorAll', `meta[${Attribute.Send}]:not([${SENT}])`)) {
      if (isIgnored(element)) continue
      // An attribute, because libraries copy elements into snapshots of the page.
      call(element, 'setAttribute', SENT, '')
      if (!skipsMeta) send(element)
    }
    // Later elements come from scripts of the page.
    skipsMeta &&= read(document, 'readyState') !== 'complete'
  }
}
