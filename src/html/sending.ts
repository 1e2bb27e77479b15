import { call, read } from '../page/dom.js'
import { SignalError } from '../errors.js'
import { onUncancelled } from '../page/uncancelled-event.js'
import { isLoadedByRefresh } from '../page/page-state.js'
import type { SignalClient } from '../signals.js'
import { Attribute, dataOf, isIgnored, namesIn, type Report, roomOf } from './attributes.js'

export interface SendingOptions {
  readonly root: Document | Element
  readonly getClient: () => SignalClient | undefined
  readonly report: Report
  /** Ends it when it aborts. */
  readonly signal: AbortSignal
}

/**
 * Sends what clicked elements and submitted forms say, just before the browser acts. What the page's own script cancelled
 * does not act, and sends nothing. What it returns sends what `<meta data-signal-send>` says, once for each: the server has
 * put it on the page that it shows now; where a refresh loaded that page, nothing has been saved, and pages that answer each
 * other would never end.
 */
export function sendFrom({ root, getClient, report, signal }: SendingOptions): () => void {
  const said = new WeakSet<Element>()
  let isOldNews = isLoadedByRefresh()

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

  function onClick({ type, button }: MouseEvent, path: EventTarget[]): void {
    const element = path.find(sends)
    if (!element || isLeftToSubmit(element)) return
    // The middle button opens links; with anything else it does nothing.
    if (type === 'click' || (button === 1 && call(element, 'matches', '[href]'))) send(element)
  }

  function onSubmit({ submitter }: SubmitEvent, [form]: EventTarget[]): void {
    // `submitForm` of signalpost/refresh submits it: pages that answer each other would never end.
    if (call(form as Element, 'hasAttribute', 'data-signal-refreshing')) return
    for (const element of new Set([submitter, form])) if (sends(element)) send(element)
  }

  onUncancelled(root, 'click', onClick, signal)
  onUncancelled(root, 'auxclick', onClick, signal)
  onUncancelled(root, 'submit', onSubmit, signal)
  return () => {
    for (const element of call(root, 'querySelectorAll', `meta[${Attribute.Send}]`)) {
      if (said.has(element) || isIgnored(element)) continue
      said.add(element)
      if (!isOldNews) send(element)
    }
    // What comes later has been put there by somebody.
    isOldNews &&= read(document, 'readyState') !== 'complete'
  }
}

/** Forms, and the buttons that submit them: what is clicked may not be submitted, because it is not valid yet. */
function isLeftToSubmit(element: Element): boolean {
  const { form, type } = element as HTMLButtonElement
  return element instanceof HTMLFormElement || (Boolean(form) && /^(submit|image)$/.test(type))
}
