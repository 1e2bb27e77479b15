import { SignalError } from '../errors.js'
import type { SignalClient } from '../signals.js'
import { Attribute, dataOf, namesIn, type Report, roomOf } from './attributes.js'

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
 * put it on the page that it shows now.
 */
export function sendFrom({ root, getClient, report, signal }: SendingOptions): () => void {
  const said = new WeakSet<Element>()

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

  function onClick(event: Event): void {
    const element = event.target instanceof Element ? event.target.closest(`[${Attribute.Send}]`) : null
    if (!element || event.defaultPrevented || !root.contains(element) || isLeftToSubmit(element)) return
    // The middle button opens links; with anything else it does nothing.
    if (event.type === 'click' || ((event as MouseEvent).button === 1 && element.matches('[href]'))) send(element)
  }

  function onSubmit(event: Event): void {
    const { target, submitter, defaultPrevented } = event as SubmitEvent
    // `submitForm` of signalpost/refresh submits it: pages that answer each other would never end.
    if (defaultPrevented || (target as Element).hasAttribute('data-signal-refreshing')) return
    for (const element of new Set([submitter, target])) {
      if (element instanceof Element && element.hasAttribute(Attribute.Send)) send(element)
    }
  }

  root.addEventListener('click', onClick, { signal })
  root.addEventListener('auxclick', onClick, { signal })
  root.addEventListener('submit', onSubmit, { signal })
  return () => {
    for (const element of root.querySelectorAll(`meta[${Attribute.Send}]`)) {
      if (said.has(element)) continue
      said.add(element)
      send(element)
    }
  }
}

/** Forms, and the buttons that submit them: what is clicked may not be submitted, because it is not valid yet. */
function isLeftToSubmit(element: Element): boolean {
  const { form, type } = element as HTMLButtonElement
  return element.matches('form') || (Boolean(form) && /^(submit|image)$/.test(type))
}
