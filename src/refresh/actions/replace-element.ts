import { call, read } from '../../page/dom.js'
import { badOption, checkOptions } from '../../option-checks.js'
import type { RefreshAction, RefreshContext } from '../action.js'
import { checkAllowed, checkOrigins, type OriginOptions } from '../allowed-origin.js'
import { failure, NOT_YET } from '../failure.js'
import { checkOwnAddress } from './own-address.js'
import { checkSelector } from './selector.js'
import { hasUnkeepableState, swap } from '../fetch/swap.js'
import { fetchContent } from '../fetch/shared-fetch.js'

export interface ReplaceOptions extends OriginOptions {
  /** The address of a page or fragment with the element, relative to the page. @default the page's current address */
  readonly url?: string | undefined
}

/** The current fetch for each element. */
const running = new WeakMap<Element, AbortController>()

/**
 * Fetches the page or `url` and replaces the element with the fetched one. Edited fields, focus, caret, scroll positions and
 * open `<details>` stay; fetched scripts do not run. An element passed as an object is found by its id. Only the page's
 * origin and `origins` are fetched, and `data-signal-*` attributes in another origin's HTML are removed. If the fetch
 * fails, or the response lacks the element, the old one stays. Without `url` the action fails on the response to a POST:
 * a GET of the same address would bring another page. It warns once in the console after a POST and a redirect.
 *
 * @throws SignalError `bad-option`.
 */
export function replaceElement(target: Element | string, options: ReplaceOptions = {}): RefreshAction {
  checkOptions(options, { url: 'string', origins: 'object' })
  checkOrigins(options.origins)
  const selector = checkSelector(typeof target === 'string' ? target : idOf(target))
  const find = (): Element | null => call(document, 'querySelector', selector)

  async function replace({ signal, changedAt }: RefreshContext): Promise<unknown> {
    if (options.url === undefined) checkOwnAddress()
    const old = find()
    if (!old) throw failure(`There is no element ${selector} on the page`)
    // An earlier fetch must not overwrite the result of a later one.
    running.get(old)?.abort()
    // Unkeepable state that exists now was accepted by the guard.
    const isForced = hasUnkeepableState(old)
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    running.set(old, controller)
    signal.addEventListener('abort', abort)
    try {
      const url = new URL(options.url ?? location.href, read(document, 'baseURI'))
      checkAllowed(url, options.origins)
      const content = await fetchContent(url.href, changedAt, controller.signal)
      const present = find()
      controller.signal.throwIfAborted()
      if (!present) return undefined
      if (!isForced && hasUnkeepableState(present)) return NOT_YET
      const found = content.querySelector(selector)
      if (!found) throw failure('The response lacks the element: is the user signed out?')
      if (swap(present, call(document, 'importNode', found, true) as Element)) return undefined
      throw failure('The response lacks a field that the user has edited')
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
    guard() {
      const old = find()
      return Boolean(old && hasUnkeepableState(old))
    },
  })
}

/** A selector built from the attribute: in a form with a field called "id", the property is that field. */
function idOf(element: Element): string {
  const id = call(element, 'getAttribute', 'id')
  if (!id) throw badOption('The element to replace needs an id')
  return `#${CSS.escape(id)}`
}
