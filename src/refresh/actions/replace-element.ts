import { call, read } from '../../page/dom.js'
import { editedFields } from '../../page/edits.js'
import { badOption, checkOptions } from '../../option-checks.js'
import type { RefreshAction, RefreshContext } from '../action.js'
import { checkAllowed, checkOrigins, type OriginOptions } from '../allowed-origin.js'
import { failure, NOT_YET } from '../failure.js'
import { checkOwnAddress } from './own-address.js'
import { checkSelector } from './selector.js'
import { findReadyForm, loadByForm } from './form-request.js'
import { fetchContent, type FetchOptions } from '../fetch/fetch-content.js'
import { htmlOf, isServed, recordServed } from '../swap/served-html.js'
import { isInUse, prepareSwap, type SwapFunction } from '../swap/swap.js'

export interface ReplaceOptions extends OriginOptions, FetchOptions {
  /** The address of a page or fragment with the element, relative to the page. @default the page's current address */
  readonly url?: string | undefined
  /**
   * A form that decides the content, or its selector: its action is fetched with its data, as a submit would. Not together
   * with `url`.
   */
  readonly form?: HTMLFormElement | string | undefined
  /** How the fresh element takes the place of the old one. @default replaces the old element */
  readonly swap?: SwapFunction | undefined
}

/** The detail of the events `signalpost:before-swap`, on the old element, and `signalpost:after-swap`, on the fresh one. */
export interface SwapEventDetail {
  readonly old: Element
  readonly fresh: Element
}

declare global {
  interface GlobalEventHandlersEventMap {
    'signalpost:before-swap': CustomEvent<SwapEventDetail>
    'signalpost:after-swap': CustomEvent<SwapEventDetail>
  }
}

/** The current fetch for each element. */
const running = new WeakMap<Element, AbortController>()

/**
 * Fetches the page or `url` and replaces the element with the fetched one. What the user has entered, focus, caret, scroll
 * positions and open `<details>` stay, and so do elements with `data-signal-keep` and an id; fetched scripts do not run. An
 * element passed as an object is found by its id. Only the page's origin and `origins` are fetched, and `data-signal-*`
 * attributes in another origin's HTML are removed. If the fetch fails, or the response lacks the element, the old one
 * stays; so it does if the server sent the same HTML before. Without `url` the action fails on the response to a POST: a
 * GET of the same address would bring another page. It warns once in the console after a POST and a redirect. A
 * `<turbo-frame>` with a `src` is reloaded by Turbo instead.
 *
 * The events `signalpost:before-swap`, which a listener may cancel, and `signalpost:after-swap` bubble from the element.
 * Their detail is a {@link SwapEventDetail}.
 *
 * @throws SignalError `bad-option`.
 */
export function replaceElement(target: Element | string, options: ReplaceOptions = {}): RefreshAction {
  checkOptions(options, {
    url: 'string',
    form: 'object string',
    origins: 'object',
    headers: 'object',
    fetch: 'function',
    swap: 'function',
  })
  checkOrigins(options.origins)
  if (options.url && options.form) throw badOption('Give "url" or "form", not both')
  if (typeof options.form === 'string') checkSelector(options.form)
  const selector = checkSelector(typeof target === 'string' ? target : idOf(target))
  const find = (): Element | null => call(document, 'querySelector', selector)
  const element = globalThis.document && find()
  if (element) options.swap?.prepare?.(element)
  /** The edited fields that the last response had no place for. */
  let lost: readonly Element[] = []
  const wouldDiscard = (): boolean => lost.length > 0 && editedFields().some((field) => lost.includes(field))

  /** Turbo fetches the frame's own address, and keeps no edits. */
  function reload(frame: Frame): unknown {
    // The user has read the hint and clicked its button.
    lost = wouldDiscard() ? [] : editedFields(frame)
    return lost.length > 0 ? NOT_YET : frame.reload()
  }

  async function replace(context: RefreshContext): Promise<unknown> {
    const { signal } = context
    const old = find()
    if (!old) throw failure(`There is no element ${selector} on the page`)
    if ((options.form ?? options.url) === undefined && isFrame(old)) return reload(old)
    // An earlier fetch must not overwrite the result of a later one.
    running.get(old)?.abort()
    // The guard accepted what it would hold back now: the user has clicked.
    const isForced = isInUse(old)
    const discarded = wouldDiscard() ? lost : []
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    running.set(old, controller)
    signal.addEventListener('abort', abort)
    try {
      const content = await load(options, context, controller.signal)
      const present = find()
      controller.signal.throwIfAborted()
      if (!present) return undefined
      if (!isForced && isInUse(present)) return NOT_YET
      const found = content.querySelector(selector)
      if (!found) throw failure('The response lacks the element: is the user signed out?')
      lost = show(present, call(document, 'importNode', found, true) as Element, discarded, options.swap)
      return lost.length > 0 ? NOT_YET : undefined
    } catch (error) {
      // Aborted by a newer refresh of the same element, which does the work; after `stop()` none does.
      if (controller.signal.aborted && !signal.aborted) return undefined
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  return Object.assign(replace, {
    target: find,
    wouldDiscard,
    guard() {
      const old = find()
      return Boolean(old && (isInUse(old) || wouldDiscard()))
    },
  })
}

async function load(options: ReplaceOptions, context: RefreshContext, signal: AbortSignal): Promise<ParentNode> {
  if (options.form !== undefined) {
    return loadByForm(findReadyForm(options.form, options.origins), options, context, signal)
  }
  if (options.url === undefined) checkOwnAddress()
  const url = new URL(options.url ?? location.href, read(document, 'baseURI'))
  checkAllowed(url, options.origins)
  return fetchContent({ url: url.href }, context, signal, options)
}

/** A `<turbo-frame>` of Turbo with an address. */
interface Frame extends Element {
  reload(): Promise<unknown>
}

function isFrame(element: Element): element is Frame {
  return 'reload' in element && call(element, 'hasAttribute', 'src')
}

/** Replaces an element, unless that would discard other edited fields than the given ones: returns those. */
function show(
  old: Element,
  fresh: Element,
  discarded: readonly Element[],
  swapWith?: SwapFunction,
): readonly Element[] {
  const html = htmlOf(fresh)
  if (isServed(old, fresh, html)) return []
  const swap = prepareSwap(old, fresh, swapWith)
  const lost = swap.lost.filter((field) => !discarded.includes(field))
  if (lost.length > 0) return lost
  const detail: SwapEventDetail = { old, fresh }
  if (!dispatch(old, 'signalpost:before-swap', detail)) return []
  const shown = swap.run()
  recordServed(shown, html)
  dispatch(shown, 'signalpost:after-swap', { old, fresh: shown })
  return []
}

function dispatch(element: Element, type: string, detail: SwapEventDetail): boolean {
  return call(element, 'dispatchEvent', new CustomEvent(type, { detail, bubbles: true, cancelable: true }))
}

/** A selector built from the attribute: in a form with a field called "id", the property is that field. */
function idOf(element: Element): string {
  const id = call(element, 'getAttribute', 'id')
  if (!id) throw badOption('The element to replace needs an id')
  return `#${CSS.escape(id)}`
}
